//! What a sampler keeps: positions in rows, walker after walker, and what it knows of its way.

use super::tempering::{Ladder, Swaps};
use super::walkers::{Course, Group, Walker};
use super::{SampleOptions, file};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::matrix::add_scaled;
use crate::potentials::Potential;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Positions that a sampler kept, walker after walker: row w · rows + r is the r-th of walker w.
#[derive(Clone)]
pub struct Samples {
    pub potential: Arc<dyn Potential>,
    /// The options they were made with.
    pub options: SampleOptions,
    pub seed: u64,
    pub dimension: usize,
    pub walkers: usize,
    /// Rows of each walker.
    pub rows: usize,
    pub temperature: f64,
    /// The energy of each row; with minibatches that of the minibatch.
    pub energies: Vec<f64>,
    /// 2 K / coordinates of each row; zeros for methods without momenta.
    pub kinetic: Vec<f64>,
    /// x·∇E / coordinates of each row; with minibatches by the minibatch's gradient.
    pub virials: Vec<f64>,
    /// What became of each walker.
    pub courses: Vec<Course>,
    /// The step size of each walker, after what it has learnt.
    pub step_sizes: Vec<f64>,
    /// 1/m of each coordinate for each walker; empty for unit masses.
    pub inverse_masses: Vec<Vec<f64>>,
    /// Parallel tempering: those at the higher temperatures, in rising order.
    pub hotter: Vec<Samples>,
    /// One for each two neighbours of the ladder.
    pub swaps: Vec<Swaps>,
    /// How often a walker went from the lowest temperature to the highest and back.
    pub round_trips: u64,
    pub(super) store: Arc<Store>,
    /// Where they ended; nothing where they cannot be continued.
    pub(super) state: Option<Arc<State>>,
}

/// Averages over all steps, as TATi names them. Kinetic and total energy are NaN for methods without momenta.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    pub loss: f64,
    pub kinetic_energy: f64,
    /// ½ x·∇E.
    pub virial: f64,
    pub total_energy: f64,
}

/// Where the positions are.
pub(super) enum Store {
    Memory(Matrix),
    /// In the file, read when somebody asks.
    File {
        path: PathBuf,
        read: OnceLock<Matrix>,
    },
}

/// What exact continuation needs.
#[derive(Clone)]
pub(super) struct State {
    pub groups: Vec<Group>,
    pub ladder: Option<Ladder>,
    /// Steps made, burn-in included.
    pub done: u64,
    /// An energy of a larger size than this is a blow-up.
    pub bound: f64,
}

impl Samples {
    /// All positions: (walkers · rows) × dimension. Those that went to a file are read now, whole.
    ///
    /// Errors: a file that is gone or has changed.
    pub fn positions(&self) -> Result<&Matrix> {
        match &*self.store {
            Store::Memory(positions) => Ok(positions),
            Store::File { path, read } => {
                if let Some(positions) = read.get() {
                    return Ok(positions);
                }
                let positions = file::read_positions(path)?;
                if positions.rows != self.walkers * self.rows || positions.columns != self.dimension {
                    return Err(Error::format(path, "the file no longer holds these samples"));
                }
                Ok(read.get_or_init(|| positions))
            }
        }
    }

    /// The file that holds the positions, where they are not in memory.
    pub fn path(&self) -> Option<&Path> {
        match &*self.store {
            Store::Memory(_) => None,
            Store::File { path, .. } => Some(path),
        }
    }

    /// Hands over all positions in order, a block of whole rows at a time, with the number of the first: nothing large is read into memory.
    pub fn visit(&self, mut each: impl FnMut(usize, &[f64]) -> Result<()>) -> Result<()> {
        match &*self.store {
            Store::Memory(positions) => each(0, &positions.data),
            Store::File { path, .. } => file::visit_positions(path, self.dimension, &mut each),
        }
    }

    /// The rows of one walker, as samples of their own.
    ///
    /// Errors: no such walker.
    pub fn walker(&self, k: usize) -> Result<Samples> {
        if k >= self.walkers {
            return Err(Error::value(format!("walker: there are walkers 0 to {}, found {k}", self.walkers - 1)).at("k"));
        }
        let rows = k * self.rows..(k + 1) * self.rows;
        let n = self.dimension;
        let data = self.positions()?.data[rows.start * n..rows.end * n].to_vec();
        Ok(Samples {
            walkers: 1,
            energies: self.energies[rows.clone()].to_vec(),
            kinetic: self.kinetic[rows.clone()].to_vec(),
            virials: self.virials[rows].to_vec(),
            courses: self.courses.get(k..k + 1).unwrap_or_default().to_vec(),
            step_sizes: self.step_sizes.get(k..k + 1).unwrap_or_default().to_vec(),
            inverse_masses: self.inverse_masses.get(k..k + 1).unwrap_or_default().to_vec(),
            hotter: Vec::new(),
            swaps: Vec::new(),
            store: Arc::new(Store::Memory(Matrix::from_rows(self.rows, n, data))),
            state: None,
            ..self.clone()
        })
    }

    /// The kinetic temperature: the mean of 2 K / coordinates over all steps; NaN for methods without momenta.
    pub fn kinetic_temperature(&self) -> f64 {
        if self.options.method.has_momenta() { self.mean_of(|course| course.kinetic) } else { f64::NAN }
    }

    /// The virial temperature: the mean of x·∇E / coordinates over all steps, which is T where the density falls off to all sides.
    pub fn virial_temperature(&self) -> f64 {
        self.mean_of(|course| course.virial)
    }

    /// The mean energy over all steps, those not kept included.
    pub fn mean_energy(&self) -> f64 {
        self.mean_of(|course| course.energy)
    }

    /// TATi's averages over all steps.
    pub fn averages(&self) -> Averages {
        let half = 0.5 * self.potential.degrees_of_freedom() as f64;
        let (loss, kinetic_energy) = (self.mean_energy(), half * self.kinetic_temperature());
        Averages { loss, kinetic_energy, virial: half * self.virial_temperature(), total_energy: loss + kinetic_energy }
    }

    /// The mean position.
    ///
    /// Errors: positions in a file that is gone or has changed.
    pub fn mean_position(&self) -> Result<Vec<f64>> {
        let mut mean = vec![0.0; self.dimension];
        self.visit(|_, block| {
            block.chunks_exact(self.dimension).for_each(|row| add_scaled(&mut mean, 1.0, row));
            Ok(())
        })?;
        mean.iter_mut().for_each(|mean| *mean /= (self.walkers * self.rows) as f64);
        Ok(mean)
    }

    /// The mean probability of acceptance; NaN where a method does not accept.
    pub fn acceptance(&self) -> f64 {
        if self.options.method.accepts() { self.mean_of(|course| course.acceptance) } else { f64::NAN }
    }

    fn mean_of(&self, sum: impl Fn(&Course) -> f64) -> f64 {
        let steps: u64 = self.courses.iter().map(|course| course.steps).sum();
        self.courses.iter().map(sum).sum::<f64>() / steps as f64
    }

    /// Trajectories whose energy went astray.
    pub fn divergences(&self) -> u64 {
        self.courses.iter().map(|course| course.divergences).sum()
    }

    /// Gradients computed, burn-in included.
    pub fn evaluations(&self) -> u64 {
        self.courses.iter().map(|course| course.evaluations).sum()
    }

    /// The last position of each walker.
    ///
    /// Errors: samples without rows.
    pub fn last(&self) -> Result<Matrix> {
        let n = self.dimension;
        if let Some(state) = &self.state {
            let data: Vec<f64> = state.groups.iter().flat_map(|group| group.x.clone()).take(self.walkers * n).collect();
            return Ok(Matrix::from_rows(self.walkers, n, data));
        }
        if self.rows == 0 {
            return Err(Error::value("these samples have no rows"));
        }
        let positions = self.positions()?;
        let data = (1..=self.walkers).flat_map(|w| positions.row(w * self.rows - 1).to_vec()).collect();
        Ok(Matrix::from_rows(self.walkers, n, data))
    }
}

/// Takes rows as they are made.
pub(super) struct Recorder {
    n: usize,
    chains: usize,
    /// Rows of each chain that there will be, and those that there are.
    room: usize,
    rows: usize,
    positions: Place,
    /// Energy, kinetic temperature, virial of every row.
    scalars: Vec<[f64; 3]>,
}

enum Place {
    Memory(Vec<f64>),
    File(file::Writer),
}

/// Numbers that positions in memory may have: 16 GiB.
const LARGEST: usize = 1 << 31;

impl Recorder {
    /// Room for `rows` rows of each chain; those of `earlier` come first.
    pub fn new(options: &SampleOptions, n: usize, chains: usize, rows: usize, earlier: Option<&Samples>) -> Result<Recorder> {
        let numbers = chains.saturating_mul(rows).saturating_mul(n);
        let positions = match &options.save {
            Some(path) => Place::File(file::Writer::new(Path::new(path), n, chains, rows)?),
            None if numbers > LARGEST => {
                let size = numbers as f64 * 8.0 / 1024f64.powi(3);
                return Err(Error::value(format!(
                    "sample_langevin: {} rows of {n} numbers would fill {size:.0} GiB of memory",
                    chains * rows
                ))
                .hint("keep fewer with #{every: …}, or let them go to a file: #{save: \"samples.npz\"}")
                .at("every"));
            }
            None => Place::Memory(vec![0.0; numbers]),
        };
        let mut recorder = Recorder { n, chains, room: rows, rows: 0, positions, scalars: vec![[0.0; 3]; chains * rows] };
        if let Some(earlier) = earlier {
            for (rung, samples) in std::iter::once(earlier).chain(&earlier.hotter).enumerate() {
                let first = rung * earlier.walkers;
                samples.visit(|row, block| recorder.put_rows(first, samples.rows, row, block))?;
                for (k, ((e, t), v)) in samples.energies.iter().zip(&samples.kinetic).zip(&samples.virials).enumerate() {
                    let place = (first + k / samples.rows) * rows + k % samples.rows;
                    recorder.scalars[place] = [*e, *t, *v];
                }
            }
            recorder.rows = earlier.rows;
        }
        Ok(recorder)
    }

    /// Positions of earlier samples: rows `row` … of chains from `first` on, `each` rows a chain.
    fn put_rows(&mut self, first: usize, each: usize, row: usize, block: &[f64]) -> Result<()> {
        for (k, x) in block.chunks_exact(self.n).enumerate() {
            let (chain, place) = (first + (row + k) / each, (row + k) % each);
            self.put(chain, place, x)?;
        }
        Ok(())
    }

    fn put(&mut self, chain: usize, row: usize, x: &[f64]) -> Result<()> {
        let place = chain * self.room + row;
        match &mut self.positions {
            Place::Memory(data) => {
                data[place * self.n..(place + 1) * self.n].copy_from_slice(x);
                Ok(())
            }
            Place::File(writer) => writer.put(place, x),
        }
    }

    /// Takes what the groups have kept before step `before`.
    pub fn take(&mut self, groups: &mut [Group], before: u64) -> Result<()> {
        let mut least = usize::MAX;
        for group in groups.iter_mut() {
            let width = group.walkers.len();
            let kept = std::mem::take(&mut group.kept);
            let mut rows = 0;
            for (r, steps) in kept.steps.chunks_exact(width).enumerate() {
                if steps[0] >= before || self.rows + r >= self.room {
                    break;
                }
                for k in 0..width {
                    let from = (r * width + k) * self.n;
                    self.put(group.first + k, self.rows + r, &kept.positions[from..from + self.n])?;
                    self.scalars[(group.first + k) * self.room + self.rows + r] = kept.scalars[r * width + k];
                }
                rows = r + 1;
            }
            least = least.min(rows);
            // Its memory serves the next segment.
            group.kept = kept;
            group.kept.steps.clear();
            group.kept.positions.clear();
            group.kept.scalars.clear();
        }
        self.rows += least;
        Ok(())
    }

    /// What was kept; `whole` is false where it cannot be continued.
    pub fn finish(
        mut self,
        potential: &Arc<dyn Potential>,
        options: &SampleOptions,
        seed: u64,
        state: State,
        whole: bool,
    ) -> Result<Samples> {
        let (n, rows, room) = (self.n, self.rows, self.room);
        if rows < room {
            for chain in 1..self.chains {
                self.scalars.copy_within(chain * room..chain * room + rows, chain * rows);
                if let Place::Memory(data) = &mut self.positions {
                    data.copy_within(chain * room * n..(chain * room + rows) * n, chain * rows * n);
                }
            }
            self.scalars.truncate(self.chains * rows);
            if let Place::Memory(data) = &mut self.positions {
                data.truncate(self.chains * rows * n);
                data.shrink_to_fit();
            }
        }
        let temperatures = options.ladder();
        let each = self.chains / temperatures.len();
        let walkers: Vec<&Walker> = state.groups.iter().flat_map(|group| &group.walkers).collect();
        let mut rungs = Vec::with_capacity(temperatures.len());
        // In a file they come in the end, when there is something to write beside them.
        let mut data = match &mut self.positions {
            Place::Memory(data) => Some(std::mem::take(data)),
            Place::File(_) => None,
        };
        // From the hottest down: each takes the end of what is left.
        for (rung, temperature) in temperatures.iter().enumerate().rev() {
            let chains = rung * each..(rung + 1) * each;
            let scalars = &self.scalars[chains.start * rows..chains.end * rows];
            let own = &walkers[chains.clone()];
            let positions = match &mut data {
                Some(data) => Matrix::from_rows(each * rows, n, data.split_off(chains.start * rows * n)),
                None => Matrix::default(),
            };
            rungs.push(Samples {
                potential: potential.clone(),
                options: options.clone(),
                seed,
                dimension: n,
                walkers: each,
                rows,
                temperature: *temperature,
                energies: scalars.iter().map(|s| s[0]).collect(),
                kinetic: scalars.iter().map(|s| s[1]).collect(),
                virials: scalars.iter().map(|s| s[2]).collect(),
                courses: own.iter().map(|walker| walker.course.clone()).collect(),
                step_sizes: own.iter().map(|walker| walker.tuning.step_size()).collect(),
                inverse_masses: own.iter().map(|walker| walker.tuning.inverse_masses().to_vec()).collect(),
                hotter: Vec::new(),
                swaps: Vec::new(),
                round_trips: 0,
                store: Arc::new(Store::Memory(positions)),
                state: None,
            });
        }
        rungs.reverse();
        let mut rungs = rungs.into_iter();
        let Some(mut lowest) = rungs.next() else { unreachable!("there is at least one temperature") };
        lowest.hotter = rungs.collect();
        if let Place::File(writer) = self.positions {
            let path = writer.finish(rows, &lowest)?;
            lowest.store = Arc::new(Store::File { path, read: OnceLock::new() });
        }
        if let Some(ladder) = &state.ladder {
            (lowest.swaps, lowest.round_trips) = (ladder.swaps.clone(), ladder.round_trips);
        }
        lowest.state = whole.then(|| Arc::new(state));
        Ok(lowest)
    }
}
