//! Looks for a LAPACK to link; nothing has to be installed, and without one faer does the same work.
//!
//! `LOSSCAPE_LAPACK=openblas|lapack|accelerate|none` decides. Without it the first of them that links is taken: pkg-config says where a
//! library is, and a probe of three lines, linked by the same rustc for the same target, says whether it has dsyevd. Only a library
//! that was asked for by name and is not there fails the build. `losscape_lapack` is set where one was found, `losscape_openblas` where
//! it can be told to use one thread.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One library to try: the word of LOSSCAPE_LAPACK, the name people know, the pkg-config package, what to link.
struct Candidate {
    word: &'static str,
    name: &'static str,
    package: &'static str,
    libraries: &'static [&'static str],
}

const CANDIDATES: [Candidate; 3] = [
    Candidate { word: "accelerate", name: "Accelerate", package: "", libraries: &["framework=Accelerate"] },
    Candidate { word: "openblas", name: "OpenBLAS", package: "openblas", libraries: &["openblas"] },
    Candidate { word: "lapack", name: "LAPACK", package: "lapack", libraries: &["lapack", "blas"] },
];

/// A candidate that links.
struct Found {
    name: String,
    libraries: Vec<String>,
    folders: Vec<PathBuf>,
    has_thread_setting: bool,
}

fn main() {
    println!("cargo::rustc-check-cfg=cfg(losscape_lapack)");
    println!("cargo::rustc-check-cfg=cfg(losscape_openblas)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LOSSCAPE_LAPACK");
    let asked = std::env::var("LOSSCAPE_LAPACK").unwrap_or_default();
    let found = match asked.as_str() {
        "none" => None,
        "" => CANDIDATES.iter().find_map(look),
        word => match CANDIDATES.iter().find(|c| c.word == word) {
            None => {
                println!(
                    "cargo::error=LOSSCAPE_LAPACK is \"{word}\", but only openblas, lapack, accelerate and none are known; unset it to take what is there"
                );
                return;
            }
            Some(candidate) => match look(candidate) {
                None => {
                    println!(
                        "cargo::error=LOSSCAPE_LAPACK asks for {}, but no {} with the routine dsyevd links here; install its development package or set LOSSCAPE_LAPACK=none",
                        candidate.word, candidate.name
                    );
                    return;
                }
                found => found,
            },
        },
    };
    if let Some(found) = found {
        println!("cargo::rustc-cfg=losscape_lapack");
        println!("cargo::rustc-env=LOSSCAPE_LAPACK_NAME={}", found.name);
        if found.has_thread_setting {
            println!("cargo::rustc-cfg=losscape_openblas");
        }
        for folder in &found.folders {
            println!("cargo::rustc-link-search=native={}", folder.display());
            // A library outside the loader's own folders must be found again when the program starts.
            println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
        }
        for library in &found.libraries {
            println!("cargo::rustc-link-lib={library}");
        }
    }
}

/// Where pkg-config has the candidate, or else on the linker's own paths.
fn look(candidate: &Candidate) -> Option<Found> {
    let apple = std::env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|v| v == "apple");
    if candidate.word == "accelerate" && !apple {
        return None;
    }
    let mut places: Vec<Found> = Vec::new();
    if !candidate.package.is_empty() {
        let mut config = pkg_config::Config::new();
        config.cargo_metadata(false).env_metadata(true);
        if let Ok(library) = config.probe(candidate.package) {
            places.push(Found {
                name: format!("{} {}", candidate.name, library.version),
                libraries: library.libs,
                folders: library.link_paths,
                has_thread_setting: false,
            });
        }
    }
    places.push(Found {
        name: candidate.name.into(),
        libraries: candidate.libraries.iter().map(|l| l.to_string()).collect(),
        folders: Vec::new(),
        has_thread_setting: false,
    });
    places.into_iter().find(|place| links(place, "dsyevd_")).map(|place| {
        let has_thread_setting = links(&place, "openblas_set_num_threads");
        Found { has_thread_setting, ..place }
    })
}

/// Whether a program that calls `symbol` links with these libraries. It is never run.
fn links(place: &Found, symbol: &str) -> bool {
    let (Some(rustc), Some(folder), Ok(target)) =
        (std::env::var_os("RUSTC"), std::env::var_os("OUT_DIR"), std::env::var("TARGET"))
    else {
        return false;
    };
    let source = PathBuf::from(&folder).join("probe.rs");
    // The address is enough to need the symbol; volatile, so that nothing is optimised away.
    let program = format!(
        "unsafe extern \"C\" {{ fn {symbol}(); }}\n\
         fn main() {{ let f: unsafe extern \"C\" fn() = {symbol}; unsafe {{ std::ptr::read_volatile(&f) }}; }}\n"
    );
    if std::fs::write(&source, program).is_err() {
        return false;
    }
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-type", "bin", "--target", &target, "-o"]);
    command.arg(PathBuf::from(&folder).join("probe")).arg(&source);
    for folder in &place.folders {
        command.arg("-L").arg(folder);
    }
    for library in &place.libraries {
        command.arg(format!("-l{library}"));
    }
    if let Ok(linker) = std::env::var("RUSTC_LINKER") {
        command.arg(format!("-Clinker={linker}"));
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
