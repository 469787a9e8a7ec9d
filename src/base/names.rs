//! "Did you mean": the nearest of a list of names.

/// The candidate most like `name`, or `None` when none is near enough to be meant.
///
/// Names that hold the other one as a part count as near (`basinhop`, `hop`): people forget pieces more often than they swap letters.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace(['_', '-', ' '], "");
    let asked = plain(name);
    if asked.is_empty() {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let known = plain(candidate);
        let mut score =
            strsim::normalized_damerau_levenshtein(&asked, &known).max(0.9 * strsim::jaro_winkler(&asked, &known) - 0.1);
        if known.len() >= 3 && asked.len() >= 3 && (known.contains(&asked) || asked.contains(&known)) {
            score = score.max(0.7);
        }
        if score >= 0.6 && best.is_none_or(|(s, _)| score > s) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `"a", "b" or "c"`: a list for a sentence, every name in quotes.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("\"{n}\"")).collect();
    match quoted.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["minimise", "basin_hop", "muller_brown", "tolerance", "temperature"];
        for (wrong, right) in [
            ("minimse", "minimise"),
            ("basinhop", "basin_hop"),
            ("mueller_brown", "muller_brown"),
            ("tolerence", "tolerance"),
            ("temprature", "temperature"),
        ] {
            assert_eq!(nearest(wrong, names), Some(right));
        }
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("", names), None);
    }

    #[test]
    fn lists_for_a_sentence() {
        assert_eq!(listed(["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
        assert_eq!(listed(["a"]), "\"a\"");
    }
}
