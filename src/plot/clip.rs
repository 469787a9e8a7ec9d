//! Cuts lines and areas to a rectangle: what lies outside the axes is not drawn.

/// Cuts a line at the borders of a rectangle `[left, right, top, bottom]` and at its gaps (`None`), and calls `draw` with each piece.
pub fn clip_line(points: impl Iterator<Item = Option<[f64; 2]>>, room: [f64; 4], mut draw: impl FnMut(&[[f64; 2]])) {
    let mut piece: Vec<[f64; 2]> = Vec::new();
    let mut last: Option<[f64; 2]> = None;
    for point in points {
        match (last, point) {
            (Some(a), Some(b)) => match clip_segment(a, b, room) {
                Some((from, to)) => {
                    if piece.last() != Some(&from) {
                        flush(&mut piece, &mut draw);
                        piece.push(from);
                    }
                    piece.push(to);
                }
                None => flush(&mut piece, &mut draw),
            },
            _ => flush(&mut piece, &mut draw),
        }
        last = point;
    }
    flush(&mut piece, &mut draw);
}

fn flush(piece: &mut Vec<[f64; 2]>, draw: &mut impl FnMut(&[[f64; 2]])) {
    if piece.len() >= 2 {
        draw(piece);
    }
    piece.clear();
}

/// The part of a segment within a rectangle (Liang and Barsky, doi:10.1145/357332.357333).
fn clip_segment(a: [f64; 2], b: [f64; 2], [left, right, top, bottom]: [f64; 4]) -> Option<([f64; 2], [f64; 2])> {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (towards, room) in [(-dx, a[0] - left), (dx, right - a[0]), (-dy, a[1] - top), (dy, bottom - a[1])] {
        // A hair of tolerance: points on the border are inside, whatever the last bit says.
        let room = room + 1e-6;
        if towards == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if towards < 0.0 {
            enter = enter.max(room / towards);
        } else {
            leave = leave.min(room / towards);
        }
    }
    if enter > leave {
        return None;
    }
    let at = |t: f64, exact: [f64; 2]| {
        if t == 0.0 || t == 1.0 { exact } else { [a[0] + t * dx, a[1] + t * dy] }
    };
    Some((at(enter, a), at(leave, b)))
}

/// Cuts a polygon to a rectangle, border by border (Sutherland and Hodgman, doi:10.1145/360767.360802).
pub fn clip_area(points: &[[f64; 2]], [left, right, top, bottom]: [f64; 4]) -> Vec<[f64; 2]> {
    let borders: [(usize, f64, f64); 4] = [(0, left, 1.0), (0, right, -1.0), (1, top, 1.0), (1, bottom, -1.0)];
    let mut kept = points.to_vec();
    for (axis, border, sign) in borders {
        let before = std::mem::take(&mut kept);
        for (k, &b) in before.iter().enumerate() {
            let a = before[(k + before.len() - 1) % before.len()];
            let (a_in, b_in) = (sign * (a[axis] - border) >= 0.0, sign * (b[axis] - border) >= 0.0);
            if a_in != b_in {
                let t = (border - a[axis]) / (b[axis] - a[axis]);
                let mut crossing = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
                crossing[axis] = border;
                kept.push(crossing);
            }
            if b_in {
                kept.push(b);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: [f64; 4] = [0.0, 10.0, 0.0, 10.0];

    fn pieces(points: &[Option<[f64; 2]>]) -> Vec<Vec<[f64; 2]>> {
        let mut out = Vec::new();
        clip_line(points.iter().copied(), ROOM, |p| out.push(p.to_vec()));
        out
    }

    #[test]
    fn lines_are_cut_at_borders_and_gaps() {
        let inside = [Some([1.0, 1.0]), Some([2.0, 5.0]), Some([3.0, 10.0])];
        assert_eq!(pieces(&inside), [vec![[1.0, 1.0], [2.0, 5.0], [3.0, 10.0]]]);
        assert_eq!(pieces(&[Some([1.0, 1.0]), None, Some([2.0, 2.0]), Some([3.0, 3.0])]), [vec![[2.0, 2.0], [3.0, 3.0]]]);
        let crossing = pieces(&[Some([-5.0, 5.0]), Some([15.0, 5.0]), Some([15.0, 20.0]), Some([5.0, 5.0])]);
        assert_eq!(crossing.len(), 2);
        for p in crossing.iter().flatten() {
            assert!(p.iter().all(|v| (-1e-5..=10.0 + 1e-5).contains(v)), "{p:?}");
        }
        assert!(pieces(&[Some([-5.0, -5.0]), Some([-1.0, 20.0])]).is_empty());
    }

    #[test]
    fn areas_keep_what_is_inside() {
        let area = |p: &[[f64; 2]]| -> f64 {
            let twice = (0..p.len()).map(|k| {
                let (a, b) = (p[k], p[(k + 1) % p.len()]);
                a[0] * b[1] - b[0] * a[1]
            });
            twice.sum::<f64>().abs() / 2.0
        };
        let cut = clip_area(&[[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]], ROOM);
        assert!((area(&cut) - 25.0).abs() < 1e-12);
        let triangle = clip_area(&[[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]], ROOM);
        assert!((area(&triangle) - 100.0).abs() < 1e-9, "{triangle:?}");
        assert!(clip_area(&[[20.0, 20.0], [30.0, 20.0], [30.0, 30.0]], ROOM).is_empty());
    }
}
