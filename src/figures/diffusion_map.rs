//! Draws a diffusion map: its points over the first two coordinates, coloured by the third or by energies.

use crate::analysis::diffusion_map::DiffusionMap;
use crate::base::Result;
use crate::plot::Figure;
use crate::plot::charts::{ScatterOptions, Tint, scatter};

/// Most points drawn: more would lie on each other.
const MOST: usize = 20_000;

/// The points over coordinates 0 and 1, coloured by `energies` where there are some and by coordinate 2 otherwise; a map with a single coordinate
/// over the energies, or over the number of the point. Of very many points every second, third … is drawn.
///
/// Errors: no point that can be drawn.
pub fn draw_diffusion_map(map: &DiffusionMap, energies: Option<&[f64]>) -> Result<Figure> {
    let n = map.coordinates.rows;
    let count = map.eigenvalues.len();
    let step = n.div_ceil(MOST);
    let some = |value: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..n).step_by(step).map(value).collect() };
    let coordinate = |k: usize| some(&|i| map.coordinates[(i, k)]);
    let name = |k: usize| format!("coordinate {k}");
    let mut options = ScatterOptions { x_label: name(0), y_label: name(1), ..Default::default() };
    if count == 1 {
        options.y_label = if energies.is_some() { "energy".into() } else { "point".into() };
        let heights = energies.map_or_else(|| some(&|i| i as f64), |energies| some(&|i| energies[i]));
        return scatter(&coordinate(0), &heights, &options);
    }
    let colours = match energies {
        Some(energies) => Some(("energy".to_string(), some(&|i| energies[i]))),
        None if count > 2 => Some((name(2), coordinate(2))),
        None => None,
    };
    if let Some((label, values)) = colours {
        (options.colour, options.colour_label) = (Tint::Values(values), label);
    }
    scatter(&coordinate(0), &coordinate(1), &options)
}
