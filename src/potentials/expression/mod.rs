//! Energies given as expressions: a function that was traced once, with exact derivatives, run on the vector units.
//!
//! `graph` holds the traced operations, `pack` makes vectors of those that are alike, `program` is the form in which they are simplified and
//! differentiated (`derive`), `tape` and `run` fuse and execute. A Hessian is a few Hessian-vector products: coordinates that share no row of it
//! go together (A. R. Curtis, M. J. D. Powell, J. K. Reid, J. Inst. Math. Appl. 13, 117 (1974), doi:10.1093/imamat/13.1.117).

mod derive;
mod graph;
mod pack;
mod program;
mod run;
mod tape;

pub use graph::{Binary, Graph, MOST_NODES, Node, Unary};

use super::{Batch, Evaluations, Family, Identity, Potential};
use crate::math::Matrix;
use crate::math::random::stream;
use program::{Program, Value};
use rand::RngExt;
use run::Input;
use std::any::Any;
use std::sync::{Mutex, OnceLock};
use tape::{Fused, Layout, Tape};

/// One set of results in both layouts; that for many positions is made when it is first wanted.
struct Tapes {
    lanes: Tape,
    rows: OnceLock<Tape>,
    results: Vec<(Value, usize)>,
}

impl Tapes {
    fn of(fused: &Fused, results: Vec<(Value, usize)>) -> Tapes {
        Tapes { lanes: Tape::of(fused, &results, Layout::Lanes), rows: OnceLock::new(), results }
    }

    /// The cheaper layout for so many positions.
    fn best(&self, fused: &Fused, rows: usize) -> &Tape {
        if rows == 1 {
            return &self.lanes;
        }
        let other = self.rows.get_or_init(|| Tape::of(fused, &self.results, Layout::Rows));
        if other.cost(rows) < self.lanes.cost(rows) { other } else { &self.lanes }
    }
}

/// What second derivatives need, made when they are first asked for.
struct Second {
    fused: Fused,
    tapes: Tapes,
    /// Coordinates that share no row of the Hessian, together.
    colours: Vec<Vec<usize>>,
    interactions: Vec<Vec<bool>>,
}

/// A potential whose energy is an expression of the coordinates.
pub struct Expression {
    graph: Graph,
    root: Node,
    digest: String,
    program: Program,
    /// Position, energy, gradient.
    values: [Value; 3],
    fused: Fused,
    energy: Tapes,
    both: Tapes,
    second: OnceLock<Second>,
    /// Memory for second derivatives between calls.
    spare: Mutex<Vec<Vec<f64>>>,
}

impl Expression {
    /// The potential with this energy.
    pub fn new(graph: &Graph, root: Node) -> Expression {
        let n = graph.dimension;
        let (mut program, position, energy) = pack::pack(graph, root);
        let gradient = derive::gradient(&mut program, energy, position);
        let fused = Fused::of(&program, &[energy, gradient]);
        Expression {
            digest: graph.digest(root),
            energy: Tapes::of(&fused, vec![(energy, 1)]),
            both: Tapes::of(&fused, vec![(energy, 1), (gradient, n)]),
            graph: graph.clone(),
            root,
            program,
            values: [position, energy, gradient],
            fused,
            second: OnceLock::new(),
            spare: Mutex::default(),
        }
    }

    fn second(&self) -> &Second {
        self.second.get_or_init(|| {
            let n = self.graph.dimension;
            let [position, _, gradient] = self.values;
            let mut program = self.program.clone();
            let direction = program.input(1, n);
            let product = derive::hessian_vector(&mut program, gradient, position, direction);
            let fused = Fused::of(&program, &[product]);
            let interactions = self.graph.interactions(self.root);
            Second { tapes: Tapes::of(&fused, vec![(product, n)]), colours: colours(&interactions), fused, interactions }
        })
    }

    fn with_memory(&self, work: impl FnOnce(&mut Vec<f64>)) {
        let mut scratch = self.spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
        work(&mut scratch);
        if let Ok(mut spare) = self.spare.lock() {
            spare.push(scratch);
        }
    }
}

/// Groups of columns of which no two have a number in one row, greedily.
fn colours(interactions: &[Vec<bool>]) -> Vec<Vec<usize>> {
    let n = interactions.len();
    let mut colours: Vec<(Vec<usize>, Vec<bool>)> = Vec::new();
    for column in (0..n).filter(|j| interactions[*j].iter().any(|any| *any)) {
        let rows = || (0..n).filter(|i| interactions[column][*i]);
        let place = colours.iter().position(|(_, taken)| rows().all(|i| !taken[i])).unwrap_or_else(|| {
            colours.push((Vec::new(), vec![false; n]));
            colours.len() - 1
        });
        colours[place].0.push(column);
        rows().for_each(|i| colours[place].1[i] = true);
    }
    colours.into_iter().map(|(columns, _)| columns).collect()
}

impl Potential for Expression {
    fn dimension(&self) -> usize {
        self.graph.dimension
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let input = [Input { data: batch.data, stride: batch.dimension }];
        let rows = batch.rows;
        if out.wants_gradients {
            let tape = self.both.best(&self.fused, rows);
            tape.run(rows, &input, &mut [&mut out.energies, &mut out.gradients], &mut out.scratch);
        } else {
            self.energy.best(&self.fused, rows).run(rows, &input, &mut [&mut out.energies], &mut out.scratch);
        }
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let parts = vec![("dimension".into(), self.graph.dimension.to_string()), ("function".into(), self.digest.clone())];
        Identity { name: "potential".into(), parts }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        let n = x.len();
        hessian.reset(n, n);
        let second = self.second();
        let rows = second.colours.len();
        if rows == 0 {
            return;
        }
        let mut directions = vec![0.0; rows * n];
        for (direction, columns) in directions.chunks_exact_mut(n).zip(&second.colours) {
            columns.iter().for_each(|j| direction[*j] = 1.0);
        }
        let mut products = vec![0.0; rows * n];
        let inputs = [Input { data: x, stride: 0 }, Input { data: &directions, stride: n }];
        let tape = second.tapes.best(&second.fused, rows);
        self.with_memory(|scratch| tape.run(rows, &inputs, &mut [&mut products], scratch));
        for (product, columns) in products.chunks_exact(n).zip(&second.colours) {
            for &j in columns {
                for i in (0..n).filter(|i| second.interactions[*i][j]) {
                    // Both orders of derivation count half: a matrix of rounded numbers is symmetric then.
                    hessian[(i, j)] += 0.5 * product[i];
                    hessian[(j, i)] += 0.5 * product[i];
                }
            }
        }
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        let inputs = [Input { data: x, stride: 0 }, Input { data: v, stride: 0 }];
        self.with_memory(|scratch| self.second().tapes.lanes.run(1, &inputs, &mut [out], scratch));
    }

    /// Uniform between −1 and 1 times `scale` in every coordinate.
    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        let mut stream = stream(seed, 0);
        (0..self.graph.dimension).map(|_| scale * (2.0 * stream.random::<f64>() - 1.0)).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
