//! Hello, Welcome, refusals, pushes and notices.

use super::SESSION;
use super::answers::{event_page, granted};
use crate::draw::Draw;
use nokv_protocol::limits::{FRAME_BYTES_MAX, FRAME_BYTES_MIN};
use nokv_protocol::{
    Attach, ClientKind, Credential, Durability, Failure, Hello, Limits, Lineage, Notice, Push, Refused,
    SessionGrant, Standing, Welcome,
};
use nokv_types::{Code, Refusal};

pub(crate) fn hellos(draw: &mut Draw) -> Vec<Hello> {
    draw.restart();
    let clients = [
        ClientKind::Sdk,
        ClientKind::Cli,
        ClientKind::Mount,
        ClientKind::Supervisor,
        ClientKind::Controller,
        ClientKind::Operator,
        ClientKind::Agent,
    ];
    let whole = |draw: &mut Draw, client| Hello {
        oldest: draw.num() as u16,
        newest: draw.num() as u16,
        client,
        software: draw.text(),
        node: draw.text(),
        actor: b"somebody".to_vec(),
        credential: Credential::Bearer(draw.secret()),
        binding: draw.maybe(Draw::array),
        workspace: draw.maybe(Draw::array),
        attach: Attach::New,
        callbacks: draw.flag(),
        lineage: draw.maybe(|draw| Lineage {
            lineage: draw.array(),
            seen: draw.version(),
            depends: draw.version(),
        }),
        features: draw.num(),
        frame_max: FRAME_BYTES_MIN,
    };
    let mut all: Vec<Hello> = clients.into_iter().map(|client| whole(draw, client)).collect();
    for attach in [
        Attach::None,
        Attach::Join(SESSION, draw.num()),
        Attach::TakeOver(SESSION),
    ] {
        all.push(Hello {
            oldest: 1,
            newest: 1,
            client: ClientKind::Sdk,
            software: String::new(),
            node: String::new(),
            actor: Vec::new(),
            credential: Credential::None,
            binding: None,
            workspace: None,
            attach,
            callbacks: false,
            lineage: None,
            features: 0,
            frame_max: FRAME_BYTES_MAX,
        });
    }
    all.push(Hello {
        credential: Credential::Renewal {
            session: SESSION,
            key: draw.secret(),
        },
        ..whole(draw, ClientKind::Supervisor)
    });
    all
}

pub(crate) fn welcomes(draw: &mut Draw) -> Vec<Welcome> {
    draw.restart();
    let states = [
        (Standing::Intact, Durability::Ephemeral),
        (Standing::LostAfter(draw.version()), Durability::Volume),
        (Standing::Intact, Durability::Bucket),
    ];
    states
        .into_iter()
        .map(|(standing, durability)| Welcome {
            version: draw.num() as u16,
            software: draw.text(),
            connection: draw.num(),
            workspace: draw.array(),
            lineage: draw.array(),
            standing,
            newest: draw.version(),
            durability,
            granted: granted(draw),
            session: draw.maybe(|draw| SessionGrant {
                session: SESSION,
                epoch: draw.num(),
                lease_ms: draw.u32(),
                timeout_ms: draw.u32(),
                renewal_key: draw.maybe(Draw::secret),
            }),
            limits: Limits::default(),
            features: draw.num(),
            certificates: draw.bytes(),
        })
        .collect()
}

fn failure(draw: &mut Draw, code: Code) -> Failure {
    Failure {
        refusal: Refusal::new(code, draw.text()).detail(draw.text()),
        hint: draw.maybe(Draw::num),
    }
}

pub(crate) fn refuseds(draw: &mut Draw) -> Vec<Refused> {
    draw.restart();
    Code::ALL
        .iter()
        .map(|code| Refused {
            failure: failure(draw, *code),
            closing: draw.flag(),
        })
        .collect()
}

pub(crate) fn pushes(draw: &mut Draw) -> Vec<Push> {
    draw.restart();
    vec![
        Push::Revoke {
            revoke: draw.num(),
            through: draw.num(),
            objects: draw.list(Draw::lease),
        },
        Push::Events {
            watch: draw.num(),
            page: event_page(draw),
        },
        Push::WatchEnded {
            watch: draw.num(),
            failure: failure(draw, Code::CursorExpired),
        },
        Push::Draining {
            within_ms: draw.u32(),
        },
        Push::SessionEnded {
            failure: failure(draw, Code::SessionExpired),
        },
    ]
}

pub(crate) fn notices(draw: &mut Draw) -> Vec<Notice> {
    draw.restart();
    vec![
        Notice::Revoked {
            revokes: draw.list(Draw::num),
        },
        Notice::Credit {
            watch: draw.num(),
            events: draw.u32(),
        },
        Notice::Cancel { call: draw.num() },
    ]
}
