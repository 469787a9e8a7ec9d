//! One figure of every kind, with everything that can go wrong in it: each must stay within its sheet and its characters.

use super::charts::*;
use super::colour::ColourMap;
use super::figure::InsetOptions;
use super::{Figure, output};
use crate::math::matrix::Matrix;
use resvg::usvg;

fn wave(n: usize, f: impl Fn(f64) -> f64) -> Series {
    let x: Vec<f64> = (0..n).map(|k| k as f64 * 10.0 / (n - 1) as f64).collect();
    Series { y: x.iter().map(|v| f(*v)).collect(), x }
}

/// Müller–Brown on a grid, first index along x.
fn surface() -> (Matrix, Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..80).map(|k| -1.5 + 2.7 * k as f64 / 79.0).collect();
    let y: Vec<f64> = (0..60).map(|k| -0.3 + 2.3 * k as f64 / 59.0).collect();
    let terms = [
        (-200.0, -1.0, 0.0, -10.0, 1.0, 0.0),
        (-100.0, -1.0, 0.0, -10.0, 0.0, 0.5),
        (-170.0, -6.5, 11.0, -6.5, -0.5, 1.5),
        (15.0, 0.7, 0.6, 0.7, -1.0, 1.0),
    ];
    let energy = |u: f64, v: f64| -> f64 {
        terms.iter().map(|(k, a, b, c, p, q)| k * (a * (u - p).powi(2) + b * (u - p) * (v - q) + c * (v - q).powi(2)).exp()).sum()
    };
    let data = x.iter().flat_map(|u| y.iter().map(|v| energy(*u, *v)).collect::<Vec<_>>()).collect();
    (Matrix::from_rows(80, 60, data), x, y)
}

/// Every kind of chart with a name for its file.
pub fn everything() -> Vec<(&'static str, Figure)> {
    let text = |s: &str| s.to_string();
    let curves = [wave(200, |x| (x - 1.0).sin()), wave(40, |x| 0.3 * x.cos() + 0.1 * x)];
    let errors = Lists(vec![vec![0.1; 200], (0..40).map(|k| 0.05 + 0.005 * k as f64).collect()]);
    let two = PlotOptions {
        title: text("Two curves with errors"),
        x_label: text("time"),
        y_label: text("value"),
        labels: vec![text("sine"), text("mixture of a cosine and a line")],
        errors,
        error_style: ErrorStyle::Band,
        ..PlotOptions::default()
    };
    let noise: Vec<f64> = (0..900).map(|k| (k as f64 * 1.7).sin() + (k as f64 * 0.013).cos() + (k as f64 * 5.3).sin()).collect();
    let powers =
        Series { x: (0..60).map(|k| 1.3f64.powi(k)).collect(), y: (0..60).map(|k| 2e-3 * 1.3f64.powi(k).powf(0.6)).collect() };
    let logs = PlotOptions {
        title: text("Mean square displacement after a quench <β = 2 & more>"),
        x_label: text("time / steps"),
        y_label: text("Δ(tw, tw + t)"),
        x_log: true,
        y_log: true,
        style: CurveStyle::Both,
        errors: Lists(vec![(0..60).map(|k| 1e-3 * 1.3f64.powi(k).powf(0.6)).collect()]),
        ..PlotOptions::default()
    };
    let clipped =
        PlotOptions { y_range: Some(Interval([-0.5, 0.5])), x_range: Some(Interval([2.0, 8.0])), ..PlotOptions::default() };
    let tiny = PlotOptions {
        y_label: text("energy"),
        x_label: text("step"),
        title: text("A hair above the minimum"),
        ..PlotOptions::default()
    };
    let hair = wave(100, |x| -173.928_426 + 1e-6 * (1.0 + x.sin()));
    let coloured = ScatterOptions {
        title: text("Minima"),
        x_label: text("training loss"),
        y_label: text("test AUC"),
        colour: Tint::Values((0..900).map(|k| if k % 17 == 0 { f64::NAN } else { k as f64 }).collect()),
        colour_map: ColourMap::Cividis,
        colour_label: text("number of the minimum"),
        ..ScatterOptions::default()
    };
    let few = ScatterOptions {
        labels: vec![text("A"), text("B"), text("C")],
        errors: vec![0.2, 0.3, 0.1],
        ..ScatterOptions::default()
    };
    let (energies, x, y) = surface();
    let map = HeatmapOptions {
        title: text("Müller–Brown"),
        x: x.clone(),
        y: y.clone(),
        x_label: text("x"),
        y_label: text("y"),
        range: Some(Interval([-150.0, 100.0])),
        colour_label: text("energy"),
        ..HeatmapOptions::default()
    };
    let lines = ContourOptions {
        title: text("Müller–Brown"),
        x,
        y,
        x_label: text("x"),
        y_label: text("y"),
        range: Some(Interval([-150.0, 100.0])),
        colour_label: text("energy"),
        ..ContourOptions::default()
    };
    let path = Series { x: vec![-0.558, -0.822, -0.05, 0.212, 0.623], y: vec![1.442, 0.624, 0.467, 0.293, 0.028] };
    let on_top = PlotOptions { style: CurveStyle::Both, colour: super::Colour::named("vermillion"), ..PlotOptions::default() };
    let groups: Vec<Vec<f64>> =
        (0..5).map(|g| noise.iter().skip(g).step_by(5).map(|v| v * (g + 1) as f64 * 0.3).collect()).collect();
    let boxes = BoxPlotOptions {
        title: text("Test AUC by mislabelling"),
        y_label: text("AUC"),
        labels: ["0 %", "10 %", "50 %", "100 %", "a group with a long name"].map(str::to_string).to_vec(),
        ..BoxPlotOptions::default()
    };
    let many: Vec<Vec<f64>> = (0..30).map(|g| noise.iter().skip(g).step_by(30).copied().collect()).collect();
    let crowded = BoxPlotOptions { labels: (0..30).map(|k| format!("group number {k}")).collect(), ..BoxPlotOptions::default() };
    let bins = HistogramOptions { x_label: text("energy"), title: text("How often"), ..HistogramOptions::default() };
    let small = Matrix::from_rows(3, 2, vec![1.0, 2.0, 3.0, f64::NAN, 5.0, 6.0]);

    let contours = contour(&energies, &lines).unwrap().with(&plot(&[path], &on_top).unwrap()).unwrap();
    let mut all = vec![
        ("plot_two", plot(&curves, &two).unwrap()),
        ("plot_log", plot(&[powers], &logs).unwrap()),
        ("plot_clipped", plot(&curves, &clipped).unwrap()),
        ("plot_tiny_range", plot(&[hair], &tiny).unwrap()),
        ("plot_one_point", plot(&[Series { x: vec![1.0], y: vec![-3.0] }], &PlotOptions::default()).unwrap()),
        ("plot_large", plot(&[wave(50, |x| 4e12 * x * x)], &PlotOptions::default()).unwrap()),
        ("scatter_coloured", scatter(&noise, &noise.iter().map(|v| v * v).collect::<Vec<_>>(), &coloured).unwrap()),
        ("scatter_few", scatter(&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0], &few).unwrap()),
        ("histogram", histogram(&noise, &bins).unwrap()),
        ("heatmap", heatmap(&energies, &map).unwrap()),
        ("heatmap_small", heatmap(&small, &HeatmapOptions::default()).unwrap()),
        ("contour", contours),
        ("box_plot", box_plot(&groups, &boxes).unwrap()),
        ("box_plot_crowded", box_plot(&many, &crowded).unwrap()),
    ];
    // Several decades with a hole, below a legend that finds no corner.
    let decades: Vec<f64> =
        energies.data.iter().map(|e| if *e > 600.0 { f64::NAN } else { (e + 147.0).max(0.0).powi(2) }).collect();
    let decades = Matrix::from_rows(80, 60, decades);
    let crossing = PlotOptions { labels: vec![text("from side to side")], ..PlotOptions::default() };
    let diagonals = plot(&[Series { x: vec![10.0, 70.0, 10.0, 70.0], y: vec![5.0, 55.0, 55.0, 5.0] }], &crossing).unwrap();
    let logs = HeatmapOptions { log: true, title: text("Decades"), colour_label: text("height"), ..HeatmapOptions::default() };
    all.push(("heatmap_log", heatmap(&decades, &logs).unwrap().with(&diagonals).unwrap()));
    let logs = ContourOptions { log: true, title: text("Decades"), colour_label: text("height"), ..ContourOptions::default() };
    all.push(("contour_log", contour(&decades, &logs).unwrap().with(&diagonals).unwrap()));
    for (name, azimuth) in [("surface_plot", -60.0), ("surface_plot_turned", 130.0)] {
        let relief = ReliefOptions {
            title: text("Müller–Brown"),
            x_label: text("along a, |a| = 39.39"),
            y_label: text("along b, |b| = 39.39"),
            range: Some(Interval([-150.0, 100.0])),
            colour_label: text("energy"),
            azimuth,
            ..ReliefOptions::default()
        };
        all.push((name, surface_plot(&energies, &relief, Vec::new()).unwrap()));
    }
    let corner = InsetOptions { corner: None, size: 0.45 };
    all.push(("inset", all[0].1.inset(&all[9].1, &corner).unwrap()));
    let cells: Vec<Figure> = [0, 1, 8, 9].map(|k: usize| all[k].1.clone()).to_vec();
    let together = FigureOptions { title: text("Four at once"), ..FigureOptions::default() };
    all.push(("figure", figure(cells, &together).unwrap()));
    all
}

/// Boxes of everything drawn and written, in px, as a renderer places them.
pub fn boxes(svg: &str) -> Vec<usvg::Rect> {
    fn collect(group: &usvg::Group, out: &mut Vec<usvg::Rect>) {
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => collect(inner, out),
                other => out.push(other.abs_bounding_box()),
            }
        }
    }
    let tree = output::parse(svg).unwrap();
    let mut out = Vec::new();
    collect(tree.root(), &mut out);
    out
}

#[test]
fn everything_is_well_formed_and_within_its_sheet() {
    for (name, figure) in everything() {
        let [width, height] = figure.size();
        let found = boxes(&figure.svg());
        assert!(found.len() > 10, "{name}: {} elements", found.len());
        for b in found {
            let inside =
                b.left() >= -0.1 && b.top() >= -0.1 && b.right() as f64 <= width + 0.1 && b.bottom() as f64 <= height + 0.1;
            assert!(inside, "{name}: {b:?} leaves the sheet of {width} × {height}");
        }
    }
}

#[test]
fn texts_beside_points_do_not_cover_each_other() {
    fn texts(group: &usvg::Group, out: &mut Vec<(String, usvg::Rect)>) {
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => texts(inner, out),
                usvg::Node::Text(text) => out.push((text.chunks()[0].text().into(), text.abs_bounding_box())),
                _ => {}
            }
        }
    }
    // Three close together, two on top of each other in the corner.
    let (x, y) = ([0.0, 0.02, 0.05, 1.0, 1.0], [0.0, 0.01, 0.0, 1.0, 0.99]);
    let labels = ["north", "east", "south", "west", "middle"].map(str::to_string).to_vec();
    let svg = scatter(&x, &y, &ScatterOptions { labels: labels.clone(), ..ScatterOptions::default() }).unwrap().svg();
    let mut found = Vec::new();
    texts(output::parse(&svg).unwrap().root(), &mut found);
    found.retain(|(text, _)| labels.contains(text));
    assert!(labels.iter().all(|label| found.iter().any(|(text, _)| text == label)), "{found:?}");
    let apart = |a: &usvg::Rect, b: &usvg::Rect| {
        a.right() <= b.left() || b.right() <= a.left() || a.bottom() <= b.top() || b.bottom() <= a.top()
    };
    for (k, (one, a)) in found.iter().enumerate() {
        for (other, b) in found[k + 1..].iter().filter(|(other, _)| other != one) {
            assert!(apart(a, b), "{one} at {a:?} covers {other} at {b:?}");
        }
    }
}

#[test]
fn everything_fits_the_terminal() {
    for (name, figure) in everything() {
        for (width, height) in [(80, 24), (40, 12), (120, 40), (1, 1)] {
            let shown = figure.show(width, height);
            let widest = shown.lines().map(|l| l.chars().count()).max().unwrap();
            assert!(widest <= width.max(20), "{name}: {widest} characters in {width}\n{shown}");
            // Several panels are as many pictures below each other.
            if name != "figure" && name != "inset" {
                assert!(shown.lines().count() <= height.max(11), "{name}: {} lines in {height}\n{shown}", shown.lines().count());
            }
        }
    }
}

/// Not a check: writes every kind of figure into LOSSCAPE_GALLERY for people to look at.
#[test]
#[ignore = "draws for the eye; LOSSCAPE_GALLERY=folder cargo test --lib gallery -- --ignored"]
fn draws_everything() {
    let folder = std::path::PathBuf::from(std::env::var("LOSSCAPE_GALLERY").unwrap_or_else(|_| "target/gallery".into()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, figure) in everything() {
        figure.save(&folder.join(format!("{name}.svg"))).unwrap();
        figure.save(&folder.join(format!("{name}.png"))).unwrap();
        std::fs::write(folder.join(format!("{name}.txt")), figure.show(80, 24)).unwrap();
    }
}
