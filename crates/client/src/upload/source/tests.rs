//! Sources cut bodies on the grid and leave holes out.

use super::*;

const CELL: u64 = BLOCK_BYTES;

/// A file described by its runs of data; data bytes are 1.
struct Runs {
    size: u64,
    runs: Vec<Range<u64>>,
}

impl SparseFile for Runs {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn data_from(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        let run = self.runs.iter().find(|run| run.end > from);
        Ok(run.map(|run| run.start.max(from)..run.end))
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        for (index, byte) in buffer.iter_mut().enumerate() {
            let here = at + index as u64;
            *byte = u8::from(self.runs.iter().any(|run| run.contains(&here)));
        }
        Ok(buffer.len())
    }
}

fn cuts(source: &mut dyn BodySource) -> Vec<(u64, u64)> {
    let mut block = Vec::new();
    let mut cuts = Vec::new();
    loop {
        block.clear();
        match source.next_block(&mut block).unwrap() {
            Some(_) if block.is_empty() => {}
            Some(cut) => cuts.push((cut.at, block.len() as u64)),
            None => return cuts,
        }
    }
}

#[test]
fn a_stream_is_cut_at_the_grid_and_its_zero_blocks_are_holes() {
    let mut bytes = vec![0; 3 * CELL as usize + 10];
    bytes[5] = 1;
    bytes[3 * CELL as usize] = 1;
    let mut source = StreamSource::new(&bytes[..]);
    assert_eq!(cuts(&mut source), [(0, CELL), (3 * CELL, 10)]);
    assert_eq!(source.size(), bytes.len() as u64);
}

#[test]
fn runs_in_one_cell_are_one_block_and_no_block_crosses_the_grid() {
    let runs = vec![100..200, 300..400, CELL - 1..CELL + 1, 40 * CELL..40 * CELL + 7];
    let size = 1 << 40;
    let mut source = SparseSource::new(Runs { size, runs }).unwrap();
    assert_eq!(cuts(&mut source), [(100, CELL - 100), (CELL, 1), (40 * CELL, 7)]);
    assert_eq!(source.size(), size);
}

#[test]
fn a_file_that_is_one_hole_has_no_block() {
    let mut source = SparseSource::new(Runs {
        size: 5,
        runs: Vec::new(),
    })
    .unwrap();
    assert_eq!(cuts(&mut source), []);
    assert_eq!(source.size(), 5);
}

#[test]
fn a_stream_of_zeros_gives_control_back_at_every_block() {
    let mut source = StreamSource::new(io::repeat(0));
    let mut block = Vec::new();
    for n in 0..3 {
        assert_eq!(source.next_block(&mut block).unwrap(), Some(Cut { at: n * CELL }));
        assert!(block.is_empty());
    }
}

#[test]
fn zeros_are_seen_whatever_the_length() {
    for length in [0, 1, 63, 64, 65, 1000] {
        let mut bytes = vec![0; length];
        assert!(is_zero(&bytes));
        for place in 0..length {
            bytes[place] = 1;
            assert!(!is_zero(&bytes), "length {length}, place {place}");
            bytes[place] = 0;
        }
    }
}
