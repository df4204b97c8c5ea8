//! Creating: whole, once, checked; and deleting.

use super::{Case, Outcome, RACERS, Subject, ensure, race, refused, told};
use crate::{ErrorKind, OBJECT_BYTES_MAX, Put, PutOutcome};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "created-objects-read-back-at-every-size",
        check: read_back,
    },
    Case {
        name: "creating-again-changes-nothing",
        check: create_only,
    },
    Case {
        name: "of-racing-creators-one-wins",
        check: one_winner,
    },
    Case {
        name: "bytes-with-a-wrong-checksum-are-refused",
        check: wrong_checksum,
    },
    Case {
        name: "bodies-above-the-limit-are-refused",
        check: too_large,
    },
    Case {
        name: "a-group-is-answered-member-by-member",
        check: group,
    },
    Case {
        name: "deleted-objects-are-gone-and-missing-ones-are-fine",
        check: delete,
    },
];

fn read_back(on: &Subject<'_>) -> Outcome {
    for size in [0_usize, 1, 4095, 4096, (1 << 20) + 3] {
        let bytes: Vec<u8> = (0..size).map(|i| (i * 7 + size) as u8).collect();
        let key = on.given(&format!("size-{size}"), &bytes)?;
        on.holds(&key, &bytes)?;
        let head = told(on.store.head(&key))?.ok_or("head says that it is missing")?;
        ensure!(
            head.size_bytes == size as u64,
            "head says {} bytes, not {size}",
            head.size_bytes
        );
        told(on.store.delete(&[key]))?;
    }
    Ok(())
}

fn create_only(on: &Subject<'_>) -> Outcome {
    let key = on.given("once", b"first")?;
    let outcome = told(on.create(&key, b"second"))?;
    ensure!(
        outcome == PutOutcome::AlreadyExists,
        "the second creator was told {outcome:?}"
    );
    on.holds(&key, b"first")?;
    told(on.store.delete(&[key]))
}

fn one_winner(on: &Subject<'_>) -> Outcome {
    let key = on.key("race")?;
    let body = |racer: usize| vec![racer as u8 + 1; 10_000 + racer];
    let outcomes = race(|racer| on.create(&key, &body(racer)));
    ensure!(outcomes.len() == RACERS, "a racer panicked");
    let mut winners = Vec::new();
    for (racer, outcome) in outcomes.into_iter().enumerate() {
        if told(outcome)? == PutOutcome::Created {
            winners.push(racer);
        }
    }
    ensure!(winners.len() == 1, "{} racers won: {winners:?}", winners.len());
    on.holds(&key, &body(winners[0]))?;
    told(on.store.delete(&[key]))
}

fn wrong_checksum(on: &Subject<'_>) -> Outcome {
    let key = on.key("damaged")?;
    let wrong = crc32c::crc32c(b"what was meant");
    refused(
        on.store.put_if_absent(&key, b"what arrived", wrong),
        ErrorKind::ChecksumMismatch,
    )?;
    ensure!(told(on.store.head(&key))?.is_none(), "refused bytes were stored");
    Ok(())
}

fn too_large(on: &Subject<'_>) -> Outcome {
    let key = on.key("large")?;
    let bytes = vec![0; OBJECT_BYTES_MAX + 1];
    refused(on.store.put_if_absent(&key, &bytes, 0), ErrorKind::Invalid)?;
    refused(on.store.put_if_match(&key, &bytes, None), ErrorKind::Invalid)
}

fn group(on: &Subject<'_>) -> Outcome {
    let taken = on.given("member-05", b"taken")?;
    let names: Vec<_> = (0..20)
        .map(|n| on.key(&format!("member-{n:02}")))
        .collect::<Result<_, _>>()?;
    let bodies: Vec<Vec<u8>> = (0..20_u8).map(|n| vec![n; 1000]).collect();
    let member = |n: usize| {
        let crc32c = crc32c::crc32c(&bodies[n]) ^ u32::from(n == 11);
        Put {
            key: &names[n],
            bytes: &bodies[n],
            crc32c,
        }
    };
    let puts: Vec<Put<'_>> = (0..20).map(member).collect();
    let answers = on.store.put_many(&puts);
    ensure!(answers.len() == 20, "20 members, {} answers", answers.len());
    for (n, answer) in answers.into_iter().enumerate() {
        match n {
            5 => ensure!(told(answer)? == PutOutcome::AlreadyExists, "member 5 existed"),
            11 => refused(answer, ErrorKind::ChecksumMismatch)?,
            _ => {
                ensure!(told(answer)? == PutOutcome::Created, "member {n} was not there");
                on.holds(&names[n], &bodies[n])?;
            }
        }
    }
    on.holds(&taken, b"taken")?;
    ensure!(on.store.put_many(&[]).is_empty(), "an empty group has answers");
    told(on.store.delete(&names))
}

fn delete(on: &Subject<'_>) -> Outcome {
    let keys = [on.given("a", b"a")?, on.key("never-there")?, on.given("b", b"b")?];
    told(on.store.delete(&keys))?;
    told(on.store.delete(&keys))?;
    told(on.store.delete(&[]))?;
    for key in &keys {
        ensure!(told(on.store.head(key))?.is_none(), "{key:?} is still there");
    }
    let again = told(on.create(&keys[0], b"again"))?;
    ensure!(
        again == PutOutcome::Created,
        "a deleted name cannot be used again"
    );
    on.holds(&keys[0], b"again")?;
    told(on.store.delete(&keys))
}
