//! One look at statements: what they come to whatever rows the other tenant has, and what they come to without a condition.

use cloister_ids::Uuid;

use super::{
    Replay,
    book::{Book, Value},
    gist, is_writing,
    known::{Known, Shape},
    plane::Given,
    session::Outcome,
};

/// How many ways chance has to give the other tenant rows, at one look.
const BY_CHANCE: usize = 8;
/// Of each table so many rows are taken away, one at a time.
const ROWS: i64 = 24;

/// A statement that is looked at, and what it is asked with for the other tenant.
pub(super) struct Look {
    pub(super) name: &'static str,
    pub(super) known: Known,
    /// How often it was looked at.
    pub(super) number: usize,
    pub(super) tenant: Uuid,
    pub(super) asked: Vec<Value>,
}

impl Look {
    fn text(&self) -> &str {
        self.known.text(self.number)
    }
}

impl Replay {
    /// Looks at statements, whatever rows the other tenant has.
    pub(super) async fn look_each_way(&mut self, book: &Book, tenant_plane: bool, tenant: Uuid, looks: &mut [Look]) {
        let plane = self.plane(tenant_plane);
        let texts: Vec<&str> = looks.iter().map(Look::text).collect();
        let named = plane.named(&texts.join(" "));
        // What comes of a statement comes from the tables it names, unless it calls something that reads others.
        let among = if texts.iter().any(|text| plane.calls(text)) { plane.all() } else { named.clone() };
        let mut all = vec![Given::Nothing, Given::Everything];
        all.extend(named.into_iter().map(Given::AllBut));
        all.extend([Given::Mixed(self.turn), Given::Some(self.turn)]);
        all.extend((0..BY_CHANCE).map(|number| Given::Chance(BY_CHANCE * self.turn + number)));
        let mut faults = Vec::new();
        for given in all {
            plane.give(&given, tenant, self.other, &among).await;
            let mut came = Vec::new();
            for look in looks.iter_mut() {
                came.push(self.look(look, &book.test, &given, &mut faults).await);
            }
            if tenant_plane {
                plane.leave_only(self.other, &among).await;
                for (look, came) in looks.iter().zip(&came) {
                    let alone =
                        plane.session.each(&[look.text()], &look.asked, self.print(look).as_deref()).await.remove(0);
                    if (&alone.0, alone.1.first()) != (&came.0, came.1.first()) {
                        let words = given.words();
                        faults.push(format!(
                            "{} tells of another tenant's rows ({}, given {words})",
                            look.name, book.test
                        ));
                    }
                }
            }
            plane.session.must("rollback to look; release look").await;
            if looks.iter().all(|look| !look.known.is_unclear()) && given != Given::Nothing {
                break;
            }
        }
        if tenant_plane {
            self.look_at_places(&book.test, tenant, looks, &among, &mut faults).await;
            self.look_closely(&book.test, tenant, looks, &among, &mut faults).await;
        }
        self.faults.extend(faults);
    }

    /// Looks at each place where a table is read: with rows of others alone there, a statement comes to the same as if there were
    /// none.
    async fn look_at_places(
        &self,
        test: &str,
        tenant: Uuid,
        looks: &mut [Look],
        among: &[String],
        faults: &mut Vec<String>,
    ) {
        let plane = &self.tenants;
        plane.give(&Given::Everything, tenant, self.other, among).await;
        let mut came = Vec::new();
        for look in looks.iter_mut() {
            let print = self.print(look);
            let Look { known, number, asked, .. } = look;
            for unbound in known.unbound.iter_mut().filter(|unbound| unbound.noticed.is_none()) {
                let texts: Vec<&str> = unbound.emptied(*number).iter().flatten().map(String::as_str).collect();
                let outcomes = plane.session.each(&texts, asked, print.as_deref()).await;
                let makes_sense = |(outcome, _): &(Outcome, _)| !outcome.is_nonsense();
                if outcomes.chunks(2).any(|pair| pair.iter().all(makes_sense) && pair[0] != pair[1]) {
                    unbound.noticed = Some(format!("{test}, given the rows of others where it stands"));
                }
            }
            let texts: Vec<&str> = look.known.emptied(look.number).iter().map(String::as_str).collect();
            came.push(plane.session.each(&texts, &look.asked, print.as_deref()).await);
        }
        plane.leave_only(self.other, among).await;
        for (look, came) in looks.iter().zip(came) {
            let texts: Vec<&str> = look.known.emptied(look.number).iter().map(String::as_str).collect();
            let alone = plane.session.each(&texts, &look.asked, self.print(look).as_deref()).await;
            for ((came, alone), text) in came.iter().zip(&alone).zip(texts) {
                if (&came.0, came.1.first()) != (&alone.0, alone.1.first()) {
                    faults.push(format!("{} tells of another tenant's rows ({test}), as {text}", look.name));
                }
            }
        }
        plane.session.must("rollback to look; release look").await;
    }

    /// Looks once more, with the same rows but for a single one, each in its turn. What leans on that row fails the other
    /// tenant, unless a statement takes the row of the first for it.
    async fn look_closely(
        &self,
        test: &str,
        tenant: Uuid,
        looks: &mut [Look],
        among: &[String],
        faults: &mut Vec<String>,
    ) {
        let plane = &self.tenants;
        plane.give(&Given::Everything, tenant, self.other, among).await;
        let mut close = Vec::new();
        for look in looks.iter_mut().filter(|look| look.known.is_unclear()) {
            let came = plane.session.each(&[look.text()], &look.asked, None).await.remove(0).0;
            let (finds, gist) = match &came {
                Outcome::Rows(rows) => (!rows.is_empty(), gist(rows)),
                Outcome::Refused(code) => (false, code.clone()),
            };
            let shape = Shape::of(&look.asked, gist);
            if (finds || is_writing(look.text())) && look.known.is_worth_a_close_look(shape) {
                close.push(look);
            }
        }
        let tables = plane.named(&close.iter().map(|look| look.text()).collect::<Vec<_>>().join(" "));
        for table in tables {
            let given = Given::AllButOne(table.clone());
            for away in plane.each_away(&table, self.other, ROWS).await {
                plane.session.must(&format!("savepoint one; {away}")).await;
                for look in close.iter_mut().filter(|look| look.known.is_unclear()) {
                    self.look(look, test, &given, faults).await;
                }
                plane.session.must("rollback to one; release one").await;
            }
        }
        plane.session.must("rollback to look; release look").await;
    }

    fn print(&self, look: &Look) -> Option<String> {
        let text = look.text();
        if is_writing(text) { self.plane(look.known.tenant_plane).print(self.other, text) } else { None }
    }

    /// What a statement comes to, and whether it comes to the same without what binds one of its tables.
    async fn look(
        &self,
        look: &mut Look,
        test: &str,
        given: &Given,
        faults: &mut Vec<String>,
    ) -> (Outcome, Vec<String>) {
        let print = self.print(look);
        let Look { name, known, number, asked, .. } = look;
        let session = &self.plane(known.tenant_plane).session;
        let unclear = || known.unbound.iter().filter(|unbound| unbound.noticed.is_none());
        let texts: Vec<&str> =
            std::iter::once(known.text(*number)).chain(unclear().map(|unbound| unbound.text(*number))).collect();
        let mut outcomes = session.each(&texts, asked, print.as_deref()).await.into_iter();
        let came = outcomes.next().unwrap();
        for (unbound, without) in known.unbound.iter_mut().filter(|unbound| unbound.noticed.is_none()).zip(outcomes) {
            if let Outcome::Refused(code) = &without.0 {
                assert!(
                    !without.0.is_nonsense() || without.0 == came.0,
                    "{name} without {} is nonsense ({code}): {}",
                    unbound.name,
                    unbound.text(*number)
                );
            }
            if without != came {
                unbound.noticed = Some(format!("{test}, given {}", given.words()));
            }
        }
        // The first that is printed is of the tenant's own rows, the second of everybody else's.
        if let (true, Some(print), Some(after)) = (known.tenant_plane, print.as_deref(), came.1.get(1)) {
            let before = session.each(&["select"], &[], Some(print)).await.remove(0).1;
            if before.get(1) != Some(after) {
                faults.push(format!("{name} changes another tenant's rows ({test})"));
            }
        }
        came
    }
}

impl Given {
    fn words(&self) -> String {
        match self {
            Self::Nothing => "no rows".to_owned(),
            Self::Everything => "the same rows".to_owned(),
            Self::Some(_) => "some of the same rows".to_owned(),
            Self::Chance(_) => "rows by chance".to_owned(),
            Self::Mixed(_) => "the same ids with other things".to_owned(),
            Self::AllBut(table) => format!("the same rows but none of {table}"),
            Self::AllButOne(table) => format!("the same rows but one of {table}"),
        }
    }
}
