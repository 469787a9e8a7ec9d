//! Colours: maps from numbers that people with any colour vision can read, and eight colours for kinds of things.
//!
//! The maps rise evenly in lightness, so that they also survive a grey printer: viridis, plasma, inferno and magma of S. van der Walt
//! and N. Smith (2015, CC0), cividis of Nuñez, Anderton and Renslow (doi:10.1371/journal.pone.0199239). Each is kept as 33 anchors and
//! interpolated between them, within 6 of 255 of the full table. The colours for kinds are those of Okabe and Ito
//! (jfly.uni-koeln.de/color, 2008).

use crate::base::{OptionType, OptionValue};
use crate::choices;

/// A colour of the screen, red, green and blue from 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    pub const BLACK: Colour = Colour(0, 0, 0);
    pub const WHITE: Colour = Colour(255, 255, 255);
    /// Text, axes and frames: black that does not shout.
    pub const INK: Colour = Colour(38, 38, 38);
    /// What has no value.
    pub const MISSING: Colour = Colour(170, 170, 170);
    /// Help lines that must not compete with the data.
    pub const FAINT: Colour = Colour(225, 225, 225);

    fn from_hex(hex: u32) -> Colour {
        Colour((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
    }

    /// This colour mixed with white: 0 leaves it, 1 is white.
    pub fn lighter(self, share: f64) -> Colour {
        let mix = |c: u8| (c as f64 + (255.0 - c as f64) * share).round() as u8;
        Colour(mix(self.0), mix(self.1), mix(self.2))
    }

    /// This colour mixed with black: 0 leaves it, 1 is black.
    pub fn darker(self, share: f64) -> Colour {
        let mix = |c: u8| (c as f64 * (1.0 - share)).round() as u8;
        Colour(mix(self.0), mix(self.1), mix(self.2))
    }

    /// The colour with this name, or as `#rrggbb`.
    pub fn named(name: &str) -> Option<Colour> {
        if let Some(hex) = name.strip_prefix('#') {
            let digits = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            return if digits { u32::from_str_radix(hex, 16).ok().map(Colour::from_hex) } else { None };
        }
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, hex)| Colour::from_hex(*hex))
    }
}

/// The names that [`Colour::named`] knows: the eight of Okabe and Ito, and grey.
pub const NAMED: [(&str, u32); 9] = [
    ("black", 0x000000),
    ("orange", 0xe69f00),
    ("sky_blue", 0x56b4e9),
    ("green", 0x009e73),
    ("yellow", 0xf0e442),
    ("blue", 0x0072b2),
    ("vermillion", 0xd55e00),
    ("purple", 0xcc79a7),
    ("grey", 0x8c8c8c),
];

impl OptionType for Colour {
    fn takes() -> String {
        let names: Vec<&str> = NAMED.iter().map(|n| n.0).collect();
        format!("a colour ({} or \"#rrggbb\")", names.join(", "))
    }
    fn read(value: &OptionValue) -> Option<Colour> {
        match value {
            OptionValue::Text(name) => Colour::named(name),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("\"#{:02x}{:02x}{:02x}\"", self.0, self.1, self.2)
    }
}

/// The colour of the `k`-th of several kinds; they repeat after seven. Yellow comes last: thin yellow lines are hard to see on white.
pub fn kind_colour(k: usize) -> Colour {
    const ORDER: [u32; 7] = [0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0xf0e442];
    Colour::from_hex(ORDER[k % ORDER.len()])
}

choices! {
    /// A map from numbers to colours.
    pub enum ColourMap {
        /// Dark violet over green to yellow.
        Viridis = "viridis",
        /// Blue over grey to yellow: looks the same with every kind of colour vision.
        Cividis = "cividis",
        /// Blue over red to yellow.
        Plasma = "plasma",
        /// Black over red to pale yellow.
        Inferno = "inferno",
        /// Black over violet to pale pink.
        Magma = "magma",
        /// Black to light grey.
        Grey = "grey",
    }
}

impl ColourMap {
    /// The colour at `share` of the way, 0 to 1 (outside: the nearer end); NaN is grey.
    pub fn at(self, share: f64) -> Colour {
        if share.is_nan() {
            return Colour::MISSING;
        }
        let anchors = self.anchors();
        let last = anchors.len() - 1;
        let place = share.clamp(0.0, 1.0) * last as f64;
        let left = (place as usize).min(last - 1);
        let part = place - left as f64;
        let (a, b) = (Colour::from_hex(anchors[left]), Colour::from_hex(anchors[left + 1]));
        let mix = |a: u8, b: u8| (a as f64 * (1.0 - part) + b as f64 * part).round() as u8;
        Colour(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
    }

    fn anchors(self) -> &'static [u32] {
        match self {
            ColourMap::Viridis => &VIRIDIS,
            ColourMap::Cividis => &CIVIDIS,
            ColourMap::Plasma => &PLASMA,
            ColourMap::Inferno => &INFERNO,
            ColourMap::Magma => &MAGMA,
            ColourMap::Grey => &[0x000000, 0xe0e0e0],
        }
    }
}

const VIRIDIS: [u32; 33] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b, 0x375b8d, 0x33638d, 0x2f6b8e,
    0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f978b, 0x1f9f88, 0x21a685, 0x27ad81, 0x31b57b, 0x3dbc74, 0x4cc26c,
    0x5cc863, 0x6ece58, 0x81d34d, 0x95d840, 0xaadc32, 0xc0df25, 0xd5e21a, 0xeae51a, 0xfde725,
];
const CIVIDIS: [u32; 33] = [
    0x00224e, 0x00285b, 0x002e6a, 0x053371, 0x1a386f, 0x273e6e, 0x32436d, 0x3b496c, 0x434e6c, 0x4b546c, 0x535a6d, 0x5a5f6e,
    0x61656f, 0x686a71, 0x6f7073, 0x767676, 0x7d7c78, 0x838179, 0x8b8778, 0x928d78, 0x9a9376, 0xa29975, 0xaaa073, 0xb3a670,
    0xbbad6d, 0xc3b369, 0xccba64, 0xd4c15f, 0xddc858, 0xe6d051, 0xefd748, 0xf8df3c, 0xfee838,
];
const PLASMA: [u32; 33] = [
    0x0d0887, 0x220690, 0x310597, 0x3f049c, 0x4c02a1, 0x5901a5, 0x6600a7, 0x7201a8, 0x7e03a8, 0x8a09a5, 0x9511a1, 0xa01a9c,
    0xaa2395, 0xb32c8e, 0xbc3587, 0xc43e7f, 0xcc4778, 0xd24f71, 0xd9586a, 0xdf6263, 0xe56b5d, 0xeb7556, 0xf07f4f, 0xf48948,
    0xf89441, 0xfb9f3a, 0xfdab33, 0xfeb72d, 0xfdc328, 0xfcd025, 0xf9dd25, 0xf5eb27, 0xf0f921,
];
const INFERNO: [u32; 33] = [
    0x000004, 0x040312, 0x0b0724, 0x150b37, 0x210c4a, 0x2f0a5b, 0x3d0965, 0x4a0c6b, 0x57106e, 0x64156e, 0x71196e, 0x7d1e6d,
    0x8a226a, 0x972766, 0xa32c61, 0xb0315b, 0xbc3754, 0xc63d4d, 0xd04545, 0xda4e3c, 0xe35933, 0xeb6429, 0xf1711f, 0xf67e14,
    0xf98c0a, 0xfb9b06, 0xfcaa0f, 0xfbba1f, 0xf9c932, 0xf5d949, 0xf2e865, 0xf3f586, 0xfcffa4,
];
const MAGMA: [u32; 33] = [
    0x000004, 0x030312, 0x0a0822, 0x130d34, 0x1d1147, 0x29115a, 0x36106b, 0x440f76, 0x51127c, 0x5d177f, 0x6a1c81, 0x762181,
    0x832681, 0x902a81, 0x9c2e7f, 0xaa337d, 0xb73779, 0xc23b75, 0xcf4070, 0xdb476a, 0xe55064, 0xee5b5e, 0xf4695c, 0xf9785d,
    0xfb8761, 0xfd9668, 0xfea571, 0xfeb47b, 0xfec287, 0xfed194, 0xfde0a1, 0xfceeb0, 0xfcfdbf,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Lightness as the eye has it (CIE L*), from linear luminance.
    fn lightness(c: Colour) -> f64 {
        let linear = |v: u8| {
            let v = v as f64 / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let y = 0.2126 * linear(c.0) + 0.7152 * linear(c.1) + 0.0722 * linear(c.2);
        if y > 0.008856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    #[test]
    fn maps_rise_in_lightness() {
        for map in ColourMap::ALL {
            let steps: Vec<f64> = (0..=64).map(|i| lightness(map.at(i as f64 / 64.0))).collect();
            // plasma turns down by less than 1 of 100 at its yellow end (in the published table as well)
            assert!(steps.windows(2).all(|w| w[1] > w[0] - 0.5), "{map:?}: {steps:?}");
            assert!(steps[64] - steps[0] > 60.0, "{map:?}");
        }
    }

    #[test]
    fn ends_and_missing_values() {
        assert_eq!(ColourMap::Viridis.at(0.0), Colour(0x44, 0x01, 0x54));
        assert_eq!(ColourMap::Viridis.at(7.0), Colour(0xfd, 0xe7, 0x25));
        assert_eq!(ColourMap::Viridis.at(f64::NAN), Colour::MISSING);
        // published middle of viridis: 0x21918c
        assert_eq!(ColourMap::Viridis.at(0.5), Colour(0x21, 0x91, 0x8c));
    }

    #[test]
    fn names() {
        assert_eq!(Colour::named("#0072b2"), Colour::named("blue"));
        for bad in ["", "#", "#12345", "#12345g", "#+12345", "blu"] {
            assert_eq!(Colour::named(bad), None, "{bad}");
        }
    }
}
