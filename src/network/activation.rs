//! The catalogue of activation functions: each one entry with its parity, value, slope and curvature.
//!
//! To add one: an entry below. Option, hint, help, kernels, the derivative battery and the symmetry of networks follow from it.

use crate::math::simd::{
    Block, Kernel, Lanes, dispatch, eights_mut, exp_negative, expm1_negative, log1p_unit, sigmoid, sin_cos, tanh, tanh_eights,
};

/// Value and first two derivatives at one argument, eight arguments at a time.
#[derive(Clone, Copy)]
pub struct Curve<V> {
    pub value: V,
    pub first: V,
    pub second: V,
}

/// What becomes of f when its argument changes sign: decides which sign flips leave a network unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// f(−z) = −f(z): incoming and outgoing weights of a node may flip together.
    Odd,
    /// f(−z) = f(z): the incoming weights of a node may flip alone.
    Even,
    Neither,
}

macro_rules! activations {
    ($($(#[doc = $doc:expr])+ $Member:ident = $word:literal, $parity:ident, |$z:ident| $curve:expr;)*) => {
        crate::choices! {
            /// The function of a node.
            pub enum Activation { $($(#[doc = $doc])+ $Member = $word),* }
        }

        impl Activation {
            pub fn parity(self) -> Parity {
                match self { $(Activation::$Member => Parity::$parity),* }
            }

            /// Value and derivatives at eight arguments.
            #[inline(always)]
            pub fn curve<V: Lanes>(self, z: V) -> Curve<V> {
                match self { $(Activation::$Member => { let $z = z; $curve })* }
            }
        }

        impl Kernel for Apply<'_> {
            type Output = ();
            #[inline(always)]
            fn run<V: Lanes>(self) {
                // tanh comes first, many blocks at a time.
                if self.activation == Activation::Tanh {
                    tanh_eights::<V>(eights_mut(self.z));
                    return self.each(
                        #[inline(always)]
                        |value: V| at_tanh(value),
                    );
                }
                // The choice stands outside the loops: inside, each function is straight code for several blocks at once.
                match self.activation {
                    $(Activation::$Member => self.each::<V>(
                        #[inline(always)]
                        |$z: V| $curve
                    ),)*
                }
            }
        }
    };
}

activations! {
    /// Hyperbolic tangent.
    Tanh = "tanh", Odd, |z| {
        at_tanh(tanh(z))
    };
    /// max(0, z); slope 0 at 0, curvature 0 everywhere.
    Relu = "relu", Neither, |z| {
        let zero = V::splat(0.0);
        // `max` keeps a NaN of its second operand.
        Curve { value: zero.max(z), first: V::select_less(zero, z, V::splat(1.0), zero), second: zero }
    };
    /// 1/(1 + e^−z).
    Sigmoid = "sigmoid", Neither, |z| {
        let (value, first) = sigmoid(z);
        Curve { value, first, second: first * (V::splat(1.0) - value - value) }
    };
    /// ln(1 + e^z).
    Softplus = "softplus", Neither, |z| {
        let (first, second) = sigmoid(z);
        Curve { value: V::splat(0.0).max(z) + log1p_unit(exp_negative(-z.abs())), first, second }
    };
    /// sin z.
    Sine = "sine", Odd, |z| {
        let (sin, cos) = sin_cos(z);
        Curve { value: sin, first: cos, second: -sin }
    };
    /// z itself.
    Linear = "linear", Odd, |z| {
        Curve { value: z, first: V::splat(1.0), second: V::splat(0.0) }
    };
    /// z/(1 + e^−z), also called SiLU.
    Swish = "swish", Neither, |z| {
        let (s, d) = sigmoid(z);
        let two = V::splat(2.0);
        Curve { value: z * s, first: z.fma(d, s), second: d * (two + z * (V::splat(1.0) - two * s)) }
    };
    /// z above 0, e^z − 1 below.
    Elu = "elu", Neither, |z| {
        let zero = V::splat(0.0);
        let below = expm1_negative(z);
        let slope = below + V::splat(1.0);
        Curve {
            value: V::select_less(zero, z, z, below),
            first: V::select_less(zero, z, V::splat(1.0), slope),
            second: V::select_less(zero, z, zero, slope),
        }
    };
    /// z above 0, 0.01 z below.
    LeakyRelu = "leaky_relu", Neither, |z| {
        let (zero, small) = (V::splat(0.0), V::splat(0.01));
        Curve { value: (small * z).max(z), first: V::select_less(zero, z, V::splat(1.0), small), second: zero }
    };
    /// z/(1 + |z|).
    Softsign = "softsign", Odd, |z| {
        let inverse = V::splat(1.0) / (V::splat(1.0) + z.abs());
        let first = inverse * inverse;
        Curve { value: z * inverse, first, second: (V::splat(-2.0) * first * inverse).abs().with_sign(-z) }
    };
    /// e^(−z²).
    Gaussian = "gaussian", Even, |z| {
        let value = exp_negative(-(z * z));
        let first = V::splat(-2.0) * z * value;
        Curve { value, first, second: V::splat(-2.0) * z.fma(first, value) }
    };
}

impl Activation {
    /// Whether f(s z) = s f(z) for every s > 0: a node's incoming weights may then grow by a factor that its outgoing weights shrink by.
    pub fn is_homogeneous(self) -> bool {
        matches!(self, Activation::Relu | Activation::LeakyRelu | Activation::Linear)
    }

    /// Variance that initial weights have, times the number of inputs: rectifiers lose half of it.
    pub(super) fn gain(self) -> f64 {
        if matches!(self, Activation::Relu | Activation::LeakyRelu) { 2.0 } else { 1.0 }
    }

    /// Replaces arguments by values.
    pub fn values(self, z: &mut [Block]) {
        dispatch(Apply { activation: self, z, first: &mut [], second: &mut [] });
    }

    /// Replaces arguments by values and writes the slopes.
    pub fn values_and_slopes(self, z: &mut [Block], first: &mut [Block]) {
        dispatch(Apply { activation: self, z, first, second: &mut [] });
    }

    /// Replaces arguments by values and writes slopes and curvatures.
    pub fn values_and_curvatures(self, z: &mut [Block], first: &mut [Block], second: &mut [Block]) {
        dispatch(Apply { activation: self, z, first, second });
    }
}

/// The derivatives of tanh are polynomials of its value.
#[inline(always)]
fn at_tanh<V: Lanes>(value: V) -> Curve<V> {
    let first = value.fnma(value, V::splat(1.0));
    Curve { value, first, second: V::splat(-2.0) * value * first }
}

/// An activation over many blocks; `first` and `second` are empty where they are not wanted.
struct Apply<'a> {
    activation: Activation,
    z: &'a mut [Block],
    first: &'a mut [Block],
    second: &'a mut [Block],
}

impl Apply<'_> {
    #[inline(always)]
    fn each<V: Lanes>(self, curve: impl Fn(V) -> Curve<V>) {
        if self.first.is_empty() {
            for z in self.z {
                curve(V::load(z)).value.store(z);
            }
        } else if self.second.is_empty() {
            for (z, first) in self.z.iter_mut().zip(self.first) {
                let c = curve(V::load(z));
                c.value.store(z);
                c.first.store(first);
            }
        } else {
            for ((z, first), second) in self.z.iter_mut().zip(self.first).zip(self.second) {
                let c = curve(V::load(z));
                c.value.store(z);
                c.first.store(first);
                c.second.store(second);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(activation: Activation, z: f64) -> [f64; 3] {
        let (mut value, mut first, mut second) = ([Block([z; 8])], [Block::ZERO], [Block::ZERO]);
        activation.values_and_curvatures(&mut value, &mut first, &mut second);
        [value[0].0[3], first[0].0[5], second[0].0[7]]
    }

    #[test]
    fn derivatives_are_those_of_the_value() {
        for &activation in Activation::ALL {
            // No point at a kink.
            for k in 0..60 {
                let z = -6.03 + 0.2 * k as f64;
                let h = 1e-5;
                let [_, first, second] = at(activation, z);
                let (up, down) = (at(activation, z + h), at(activation, z - h));
                assert!((first - (up[0] - down[0]) / (2.0 * h)).abs() < 1e-9, "{} slope at {z}", activation.name());
                assert!((second - (up[1] - down[1]) / (2.0 * h)).abs() < 1e-9, "{} curvature at {z}", activation.name());
            }
        }
    }

    #[test]
    fn parity_is_as_declared() {
        for &activation in Activation::ALL {
            for z in [0.3, 1.7, 4.0] {
                let (plus, minus) = (at(activation, z)[0], at(activation, -z)[0]);
                let parity = match (plus == -minus, plus == minus) {
                    (true, _) => Parity::Odd,
                    (_, true) => Parity::Even,
                    _ => Parity::Neither,
                };
                assert_eq!(parity, activation.parity(), "{}", activation.name());
            }
        }
    }

    #[test]
    fn known_values() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} is not {b}");
        near(at(Activation::Tanh, 0.5)[0], 0.46211715726000975);
        near(at(Activation::Softplus, 0.0)[0], std::f64::consts::LN_2);
        near(at(Activation::Swish, 1.0)[0], 0.7310585786300049);
        near(at(Activation::Gaussian, 1.0)[0], 0.36787944117144233);
        near(at(Activation::Elu, -1.0)[0], -0.6321205588285577);
        assert_eq!(at(Activation::Relu, 0.0), [0.0, 0.0, 0.0]);
        for &activation in Activation::ALL {
            assert!(at(activation, f64::NAN)[0].is_nan(), "{} hides a NaN", activation.name());
        }
    }
}
