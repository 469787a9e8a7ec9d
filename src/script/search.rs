//! Finding what a name or a word means: words of the field for what we call otherwise, and every word of the declarations.

use super::api::Native;
use super::catalogue::Catalogue;
use std::sync::Arc;

/// What others call it, in small letters, and the names that it leads to.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("saddle", &["transition_state", "pathway", "connect"]),
    ("transition", &["transition_state"]),
    ("optimise", &["minimise"]),
    ("optimize", &["minimise"]),
    ("optimisation", &["minimise", "basin_hop"]),
    ("optimization", &["minimise", "basin_hop"]),
    ("optimizer", &["minimise"]),
    ("relax", &["minimise", "dneb"]),
    ("quench", &["minimise"]),
    ("descent", &["minimise"]),
    ("bfgs", &["minimise"]),
    ("newton", &["minimise"]),
    ("global", &["basin_hop", "explore"]),
    ("annealing", &["basin_hop"]),
    ("hopping", &["basin_hop"]),
    ("neb", &["dneb"]),
    ("band", &["dneb"]),
    ("elastic", &["dneb"]),
    ("string", &["dneb"]),
    ("eigenvector", &["transition_state", "spectrum"]),
    ("dimer", &["transition_state"]),
    ("barrier", &["path", "connect", "pathway", "disconnectivity"]),
    ("reaction", &["pathway", "connect", "path"]),
    ("mechanism", &["pathway", "path"]),
    ("dendrogram", &["disconnectivity"]),
    ("tree", &["disconnectivity"]),
    ("database", &["landscape", "load_pathsample"]),
    ("store", &["landscape"]),
    ("sqlite", &["landscape"]),
    ("heat", &["heatmap"]),
    ("map", &["heatmap", "contour"]),
    ("colormap", &["heatmap", "contour"]),
    ("isolines", &["contour"]),
    ("line", &["plot"]),
    ("chart", &["plot"]),
    ("curve", &["plot"]),
    ("draw", &["plot", "figure", "disconnectivity"]),
    ("picture", &["plot", "figure", "disconnectivity"]),
    ("image", &["figure", "save"]),
    ("export", &["save"]),
    ("write", &["save"]),
    ("file", &["save", "load_csv"]),
    ("csv", &["load_csv", "save"]),
    ("read", &["load_csv", "load_idx"]),
    ("import", &["load_csv"]),
    ("mnist", &["load_mnist"]),
    ("neural", &["network"]),
    ("perceptron", &["network"]),
    ("mlp", &["network"]),
    ("cost", &["loss"]),
    ("objective", &["loss"]),
    ("error", &["loss", "accuracy"]),
    ("regularisation", &["loss"]),
    ("weight", &["network", "initial"]),
    ("cluster", &["lennard_jones", "two_clusters"]),
    ("atom", &["lennard_jones"]),
    ("argon", &["lennard_jones"]),
    ("toy", &["muller_brown", "rosenbrock", "double_well"]),
    ("surface", &["muller_brown", "rosenbrock", "contour"]),
    ("derivative", &["gradient", "hessian"]),
    ("force", &["gradient"]),
    ("curvature", &["hessian", "spectrum"]),
    ("frequency", &["spectrum", "hessian"]),
    ("eigenvalue", &["spectrum"]),
    ("ergodicity", &["completeness"]),
    ("coverage", &["completeness"]),
    ("chao", &["completeness"]),
    ("misclassified", &["accuracy", "auc", "mislabel"]),
    ("noise", &["mislabel"]),
    ("label", &["mislabel"]),
    ("classifier", &["network", "accuracy", "auc"]),
    ("score", &["accuracy", "auc", "roc"]),
    ("normalise", &["standardise"]),
    ("scale", &["standardise"]),
    ("random", &["random", "initial"]),
    ("symmetry", &["align", "distance", "canonical"]),
    ("superpose", &["align"]),
    ("rmsd", &["distance", "align"]),
    ("pathsample", &["load_pathsample", "save_pathsample"]),
    ("topsearch", &["load_topsearch"]),
    ("disconnectiondps", &["disconnectivity", "load_dinfo"]),
    ("argument", &["args"]),
    ("command", &["args"]),
    ("memory", &["usage"]),
    ("time", &["usage"]),
];

/// What a word is worth by the place where it stands.
const IN_NAME: u32 = 60;
const SYNONYM: u32 = 50;
const FIRST_SENTENCE: u32 = 20;
const SUMMARY: u32 = 10;
const RESULT: u32 = 6;
const PARAMETER: u32 = 4;

/// Natives that have to do with every one of the words, the nearest first. No word, no native.
pub fn search<'a>(asked: &str, catalogue: &'a Catalogue) -> Vec<&'a Arc<Native>> {
    let words: Vec<String> = words(asked).filter(|w| w.len() > 1).collect();
    let mut found: Vec<(u32, &Arc<Native>)> = Vec::new();
    for (name, natives) in &catalogue.natives {
        for native in natives.iter().filter(|n| n.name == *name) {
            let scores: Vec<u32> = words.iter().map(|word| score(word, native)).collect();
            if !scores.is_empty() && scores.iter().all(|score| *score > 0) {
                found.push((scores.iter().sum(), native));
            }
        }
    }
    // Equal ones stay in the order of their names.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, native)| native).collect()
}

fn score(word: &str, native: &Native) -> u32 {
    let mut best = 0;
    for (synonym, names) in SYNONYMS {
        if same(synonym, word) {
            // The first name of a list is what is meant most often.
            let place = names.iter().position(|n| *n == native.name);
            best = best.max(place.map_or(0, |k| SYNONYM - k as u32));
        }
    }
    let holds = |text: &str| words(text).any(|known| same(&known, word));
    let first = native.summary.split_inclusive(". ").next().unwrap_or_default();
    let mut places = vec![
        (IN_NAME, native.name.to_string()),
        (FIRST_SENTENCE, first.to_string()),
        (SUMMARY, native.summary.clone()),
        (RESULT, native.returns.to_string()),
    ];
    places.extend(native.parameters.iter().map(|p| (PARAMETER, format!("{} {}", p.name, p.text))));
    for option in &native.options {
        let choices: String = option.choices.iter().map(|(choice, text)| format!(" {choice} {text}")).collect();
        places.push((PARAMETER, format!("{} {}{choices}", option.name, option.text)));
    }
    let worth = places.into_iter().filter(|(_, text)| holds(text)).map(|(worth, _)| worth);
    best.max(worth.max().unwrap_or(0))
}

/// The words of a text in small letters, British.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(|w| super::convert::british(&w.to_lowercase()))
}

/// One word, its plural and other endings included: from five letters on the beginning tells.
fn same(a: &str, b: &str) -> bool {
    let plain = |w: &str| w.strip_suffix('s').unwrap_or(w).to_string();
    let (a, b) = (plain(a), plain(b));
    a == b || (a.len().min(b.len()) >= 5 && (a.starts_with(&b) || b.starts_with(&a)) && a.len().abs_diff(b.len()) <= 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Environment, Language};

    #[test]
    fn words_of_the_field_find_what_is_meant() {
        let language = Language::new(Environment::silent());
        let first = |asked: &str| search(asked, &language.catalogue).first().map(|n| n.name);
        for (asked, name) in [
            ("saddle", "transition_state"),
            ("saddles", "transition_state"),
            ("optimise", "minimise"),
            ("optimization", "minimise"),
            ("relax", "minimise"),
            ("NEB", "dneb"),
            ("dendrogram", "disconnectivity"),
            ("heat map", "heatmap"),
            ("CSV", "load_csv"),
            ("global optimisation", "basin_hop"),
            ("eigenvalues", "spectrum"),
            ("neural network", "network"),
            ("wrong labels", "mislabel"),
        ] {
            assert_eq!(
                first(asked),
                Some(name),
                "{asked}: {:?}",
                search(asked, &language.catalogue).iter().map(|n| n.name).collect::<Vec<_>>()
            );
        }
        for (word, names) in SYNONYMS {
            for name in *names {
                assert!(language.catalogue.natives.contains_key(name), "{word} leads to {name}, which is not there");
            }
        }
        assert!(search("minimse", &language.catalogue).is_empty());
        assert!(search("", &language.catalogue).is_empty());
    }
}
