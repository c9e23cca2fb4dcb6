//! Where the tiles of a picture lie. A tile's core is the part that counts for it; the halo around it is what
//! the network sees from there. Cores cover the picture once. All tiles have the same size, so that one graph
//! serves them all, and begin where poolings begin.

/// What taps see around a tile's core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Halo {
    /// How far they see, in pixels.
    pub radius: usize,
    /// The pixels that poolings turn into one position of the deepest tap; tiles and cores begin at multiples of it.
    pub alignment: usize,
}

/// A tile along one axis, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Where the tile begins.
    pub start: usize,
    /// Where its core begins and ends.
    pub core: [usize; 2],
}

/// Tiles of one size along one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spans {
    /// The tiles' length.
    pub size: usize,
    pub spans: Vec<Span>,
}

impl Spans {
    /// Tiles of at most `most` pixels along a side of `length`, with a halo. Whatever `most` says, a tile is
    /// long enough for a core.
    pub fn new(length: usize, most: usize, halo: Halo) -> Self {
        let Halo { radius, alignment } = halo;
        let halo = radius.next_multiple_of(alignment);
        let least = 2 * halo + 2 * alignment;
        if length <= most.max(least) {
            return Spans { size: length, spans: vec![Span { start: 0, core: [0, length] }] };
        }
        // The last tile ends with the picture, and begins at a multiple of the alignment as well.
        let fitting = |size: usize| size - (size - length % alignment) % alignment;
        let starts = |size: usize| -> Vec<usize> {
            let step = (size - 2 * halo) / alignment * alignment;
            (0..length - size).step_by(step).chain([length - size]).collect()
        };
        let mut size = fitting(most.max(least));
        let count = starts(size).len();
        // As many tiles, but no larger than it takes, so that the last two overlap no more than others.
        while size >= least + alignment && starts(size - alignment).len() == count {
            size -= alignment;
        }
        let starts = starts(size);
        let begins = |i: usize| if i == 0 { 0 } else { starts[i] + halo };
        let ends = |i: usize| if i + 1 == starts.len() { length } else { begins(i + 1) };
        let span = |i: usize| Span { start: starts[i], core: [begins(i), ends(i)] };
        Spans { size, spans: (0..starts.len()).map(span).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_cover_the_side_once_and_have_their_halo() {
        for length in [16, 40, 100, 161, 256, 333, 1000, 4001] {
            for most in [16, 64, 100, 128, 250, 600] {
                for (radius, alignment) in [(0, 1), (5, 4), (17, 16), (79, 16), (79, 64), (200, 256)] {
                    let Spans { size, spans } = Spans::new(length, most, Halo { radius, alignment });
                    let halo = radius.next_multiple_of(alignment);
                    assert!(
                        size <= most.max(2 * halo + 2 * alignment).min(length),
                        "{length} {most} {radius}"
                    );
                    let mut covered = 0;
                    for span in &spans {
                        let [begin, end] = span.core;
                        assert_eq!(begin, covered);
                        assert!(end > begin && begin >= span.start && end <= span.start + size);
                        assert_eq!((span.start % alignment, begin % alignment), (0, 0));
                        // A side of a tile is the picture's or a halo away.
                        assert!(span.start == 0 || begin - span.start >= halo);
                        assert!(span.start + size == length || span.start + size - end >= halo);
                        covered = end;
                    }
                    assert_eq!(covered, length);
                    assert_eq!((length - size) % if spans.len() > 1 { alignment } else { 1 }, 0);
                }
            }
        }
    }
}
