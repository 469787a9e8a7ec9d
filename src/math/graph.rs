//! Graphs as far as landscapes need them: which nodes hang together.

/// Disjoint sets of 0 … n − 1 (union–find): joined by size, paths halved while looking up, so that a look-up is constant in practice.
///
/// Reference: R. E. Tarjan, J. ACM 22, 215 (1975), doi:10.1145/321879.321884.
#[derive(Debug, Clone, Default)]
pub struct DisjointSets {
    parent: Vec<u32>,
    size: Vec<u32>,
    sets: usize,
}

impl DisjointSets {
    /// `n` sets of one node each.
    pub fn new(n: usize) -> DisjointSets {
        DisjointSets { parent: (0..n as u32).collect(), size: vec![1; n], sets: n }
    }

    /// Adds a node in a set of its own.
    pub fn push(&mut self) {
        self.parent.push(self.parent.len() as u32);
        self.size.push(1);
        self.sets += 1;
    }

    /// The representative of the set of `a`.
    pub fn find(&mut self, a: usize) -> usize {
        let mut a = a as u32;
        while self.parent[a as usize] != a {
            let above = self.parent[self.parent[a as usize] as usize];
            self.parent[a as usize] = above;
            a = above;
        }
        a as usize
    }

    /// Joins the sets of `a` and `b`; gives the representative that stays and the one that went, or `None` when they were one already.
    pub fn join(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (mut a, mut b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        if self.size[a] < self.size[b] {
            std::mem::swap(&mut a, &mut b);
        }
        self.parent[b] = a as u32;
        self.size[a] += self.size[b];
        self.sets -= 1;
        Some((a, b))
    }

    /// Number of sets.
    pub fn sets(&self) -> usize {
        self.sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_hangs_together() {
        let mut sets = DisjointSets::new(5);
        assert!(sets.join(0, 1).is_some());
        assert!(sets.join(3, 4).is_some());
        assert!(sets.join(1, 0).is_none());
        assert_eq!(sets.sets(), 3);
        sets.push();
        assert!(sets.join(5, 0).is_some());
        assert_eq!(sets.find(5), sets.find(1));
        assert_ne!(sets.find(5), sets.find(3));
        assert_eq!(sets.sets(), 3);
    }
}
