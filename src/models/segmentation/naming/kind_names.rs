//! Names of kinds, which say how users shop. A habit may be said of a kind when
//!
//! - it is true by the share that its words stand for, as half of all orders for "buys
//!   on discount": orders, events, users are counted together over the kind;
//! - that share is above that of all other users by half of Cohen's h or more: 50 % where
//!   others have 26 %, 90 % where they have 67 %; and by more than chance;
//! - most of its users do it more than others do, so that no few busy ones speak for all.
//!
//! A kind whose habits are those of an archetype is called by it, others by their two
//! strongest habits.
//!
//! Source: J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, ch. 6.

use super::archetypes::{ARCHETYPES, Archetype};
use super::habit_words::{Fact, Habit, habits};
use super::named_group::{NameClaim, NamedGroup};
use super::typical_user::{begun, sentence};
use super::users::Users;
use crate::dataset::{Bilingual, Snapshot};

/// Cohen's h from which a habit sets a kind apart, and from which it is worth a line.
const MIN_EFFECT: f64 = 0.5;
const MIN_SHOWN: f64 = 0.2;

/// Share that a figure in a name shows at least.
const MIN_FIGURE: f64 = 0.25;

/// Share of a kind's users, of whom it can be said, who do it more than others.
const MIN_MEMBERS: f64 = 0.5;

/// Share of a kind's users of whom something must be known.
const MIN_KNOWN: f64 = 0.5;

/// Habits that a description shows, and characters of an English name, at most.
const N_SHOWN: usize = 3;
const MAX_LENGTH: usize = 48;

/// A name for each of `n_kinds` kinds, all distinct in both languages; `kind_of` says in
/// which one each user of the snapshot is.
pub(in super::super) fn kind_names(
    snapshot: &Snapshot,
    kind_of: &[usize],
    n_kinds: usize,
) -> Vec<NamedGroup> {
    if n_kinds == 1 {
        let words = Bilingual::new("All users", "全部用户");
        return vec![NamedGroup { words, claims: Vec::new(), description: None }];
    }
    let habits = Users::of(snapshot).as_ref().map_or_else(Vec::new, habits);
    let compared: Vec<Vec<Compared>> =
        habits.iter().map(|habit| compare(habit, kind_of, n_kinds)).collect();
    let kinds: Vec<Kind<'_>> =
        (0..n_kinds).map(|kind| Kind::of(&habits, &compared, kind)).collect();
    let mut names: Vec<Name> = Vec::new();
    for kind in &kinds {
        let is_free = |it: &Name| {
            names.iter().all(|other| it.words.en != other.words.en && it.words.zh != other.words.zh)
        };
        let fits = |it: &Name| it.words.en.chars().count() <= MAX_LENGTH && is_free(it);
        let name = kind.names(&kinds).into_iter().find(fits);
        names.push(name.unwrap_or_else(|| kind.base.clone().numbered(names.len() + 1)));
    }
    names.into_iter().zip(&kinds).map(|(name, kind)| kind.named(name)).collect()
}

/// A kind beside others in one habit.
#[derive(Debug, Clone, Copy, Default)]
struct Compared {
    /// Share of the kind, and of all users.
    own: f64,
    all: f64,
    /// Cohen's h from all others to the kind.
    effect: f64,
    /// Whether enough is known of the kind to say anything.
    is_known: bool,
    /// Whether the kind is set apart, whatever the share.
    is_apart: bool,
    /// Share of the kind's users who do it more than all others together.
    members: f64,
}

/// Cohen's h from one share to another.
fn effect(from: f64, to: f64) -> f64 {
    2.0 * (to.clamp(0.0, 1.0).sqrt().asin() - from.clamp(0.0, 1.0).sqrt().asin())
}

/// Each kind beside all users that are not in it.
fn compare(habit: &Habit, kind_of: &[usize], n_kinds: usize) -> Vec<Compared> {
    let sum = |is_in: &dyn Fn(usize) -> bool| {
        let users = habit.counts.iter().zip(kind_of).filter(|(_, kind)| is_in(**kind));
        users.fold((0.0, 0.0), |(part, whole), (it, _)| (part + it.0, whole + it.1))
    };
    let all = sum(&|_| true);
    let of_kind = |kind: usize| {
        let own = sum(&|it| it == kind);
        let others = (all.0 - own.0, all.1 - own.1);
        let users = || habit.counts.iter().zip(kind_of).filter(|(_, it)| **it == kind);
        let n_users = users().count() as f64;
        let known: Vec<f64> =
            users().filter(|(it, _)| it.1 > 0.0).map(|(it, _)| it.0 / it.1).collect();
        let n_known = known.len() as f64;
        if own.1 <= 0.0 || others.1 <= 0.0 || n_known < MIN_KNOWN * n_users {
            return Compared::default();
        }
        let (own, others, all) = (own.0 / own.1, others.0 / others.1, all.0 / all.1);
        let effect = effect(others, own);
        let members = known.iter().filter(|&&it| it > others).count() as f64 / n_known;
        // The arcsine of a share of n has variance 1/4n.
        let is_apart = effect >= MIN_EFFECT.max(2.0 / n_known.sqrt()) && members > MIN_MEMBERS;
        Compared { own, all, effect, is_known: true, is_apart, members }
    };
    (0..n_kinds).map(of_kind).collect()
}

/// Words, and the habits that they claim, each with its own words.
#[derive(Debug, Clone)]
struct Name {
    words: Bilingual,
    claims: Vec<(usize, Bilingual)>,
}

impl Name {
    /// No habit sets them apart.
    fn ordinary() -> Self {
        Self { words: Bilingual::new("Ordinary shoppers", "普通顾客"), claims: Vec::new() }
    }

    /// "Mostly on tmall".
    fn of(claim: (usize, Bilingual)) -> Self {
        let words = Bilingual::new(begun(&claim.1.en), &claim.1.zh);
        Self { words, claims: vec![claim] }
    }

    /// "Price-sensitive, mostly on tmall".
    fn and(mut self, claim: (usize, Bilingual)) -> Self {
        let (en, zh) = (&claim.1.en, &claim.1.zh);
        self.words =
            Bilingual::new(format!("{}, {en}", self.words.en), format!("{}，{zh}", self.words.zh));
        self.claims.push(claim);
        self
    }

    fn numbered(self, number: usize) -> Self {
        let (en, zh) = (self.words.en, self.words.zh);
        let words = Bilingual::new(format!("{en} ({number})"), format!("{zh}（{number}）"));
        Self { words, ..self }
    }

    fn claims(&self, habit: usize) -> bool {
        self.claims.iter().any(|it| it.0 == habit)
    }
}

/// A kind with its habits.
struct Kind<'a> {
    habits: &'a [Habit],
    compared: Vec<Compared>,
    /// Habits in which it differs, and those that may be said in words, the strongest first.
    shown: Vec<usize>,
    traits: Vec<usize>,
    /// Its archetype; without one its strongest habit, if there is any.
    base: Name,
}

impl<'a> Kind<'a> {
    fn of(habits: &'a [Habit], compared: &[Vec<Compared>], kind: usize) -> Self {
        let compared: Vec<Compared> = compared.iter().map(|of_kinds| of_kinds[kind]).collect();
        let (shown, traits, base) = (Vec::new(), Vec::new(), Name::ordinary());
        let mut it = Self { habits, compared, shown, traits, base };
        let effect = |habit: &usize| it.compared[*habit].effect;
        let mut shown: Vec<usize> = it.known().filter(|habit| effect(habit) >= MIN_SHOWN).collect();
        shown.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
        it.traits = shown.iter().copied().filter(|&of| it.holds(of, habits[of].least)).collect();
        it.shown = shown;
        let fitting = ARCHETYPES.iter().filter_map(|archetype| it.as_archetype(archetype));
        let strength = |name: &Name| it.strength(name);
        // Of equals the first.
        let best = fitting.reduce(|a, b| if strength(&b) > strength(&a) { b } else { a });
        let first = it.traits.first().map(|&habit| Name::of(it.said(habit)));
        let apart = it.shown.iter().find(|&&habit| it.compared[habit].is_apart);
        let figure = apart.map(|&habit| Name::of((habit, it.figure(habit))));
        let first = first.or(figure);
        it.base = best.or(first).unwrap_or_else(Name::ordinary);
        it
    }

    /// Habits of which enough is known to give a figure.
    fn known(&self) -> impl Iterator<Item = usize> {
        let is_known =
            |&it: &usize| self.habits[it].fact.may_be_said() && self.compared[it].is_known;
        (0..self.habits.len()).filter(is_known)
    }

    /// Whether a habit sets the kind apart, and is true of so large a share.
    fn holds(&self, habit: usize, least: f64) -> bool {
        self.compared[habit].is_apart && self.compared[habit].own >= least
    }

    /// How far the habits that a name claims set the kind apart.
    fn strength(&self, name: &Name) -> f64 {
        name.claims.iter().map(|(habit, _)| self.compared[*habit].effect).sum()
    }

    fn as_archetype(&self, archetype: &Archetype) -> Option<Name> {
        let claim = |&(fact, least): &(Fact, f64)| {
            let fits = |it: &usize| self.habits[*it].fact == fact && self.holds(*it, least);
            self.shown.iter().copied().find(fits).map(|it| self.said(it))
        };
        let claims = archetype.habits.iter().map(claim).collect::<Option<Vec<_>>>()?;
        let is_true = |&(fact, least): &(Fact, f64)| {
            let mut of_fact = self.habits.iter().zip(&self.compared);
            of_fact.any(|(habit, it)| habit.fact == fact && it.own >= least)
        };
        let value = &self.habits[claims[0].0].value;
        let (en, zh) = archetype.words;
        let words = Bilingual::new(en.replace("{}", value), zh.replace("{}", value));
        archetype.besides.iter().all(is_true).then_some(Name { words, claims })
    }

    /// All names that are true of it, the best first.
    fn names(&self, kinds: &[Self]) -> Vec<Name> {
        let is_rival = |it: &&Self| it.base.words == self.base.words && !std::ptr::eq(*it, self);
        let rivals: Vec<&Self> = kinds.iter().filter(is_rival).collect();
        let tells = |it: usize| {
            let of_rivals = rivals.iter().map(|rival| match rival.compared[it].is_known {
                true => effect(rival.compared[it].own, self.compared[it].own),
                false => 0.0,
            });
            of_rivals.fold(f64::INFINITY, f64::min)
        };
        let telling = |of: &mut dyn Iterator<Item = usize>| {
            let mut found: Vec<usize> =
                of.filter(|&it| !self.base.claims(it) && tells(it) >= MIN_SHOWN).collect();
            found.sort_by(|&a, &b| tells(b).total_cmp(&tells(a)));
            found
        };
        let mut names = Vec::new();
        if rivals.is_empty() {
            names.extend([self.best(), self.base.clone()]);
        }
        let further = telling(&mut self.traits.iter().copied());
        names.extend(further.into_iter().map(|it| self.base.clone().and(self.said(it))));
        let is_much = |it: &usize| self.compared[*it].own >= MIN_FIGURE;
        let further = telling(&mut self.known().filter(is_much));
        let with_figure = |it| self.base.clone().and((it, self.figure(it)));
        names.extend(further.into_iter().map(with_figure));
        names.push(self.base.clone());
        names
    }

    /// What it is called beside no other of its base.
    fn best(&self) -> Name {
        let is_new = |it: &&usize| !self.base.claims(**it);
        // A habit that sets it apart more than all that its archetype says is said as well.
        let is_archetype = ARCHETYPES.iter().any(|it| self.as_archetype(it).is_some());
        let least = if is_archetype { self.strength(&self.base) } else { 0.0 };
        let second = self.traits.iter().find(is_new);
        let second = second.filter(|&&it| self.compared[it].effect > least);
        second.map_or_else(|| self.base.clone(), |&it| self.base.clone().and(self.said(it)))
    }

    /// A habit in words.
    fn said(&self, habit: usize) -> (usize, Bilingual) {
        (habit, self.habits[habit].words.clone())
    }

    /// "62 % of orders on discount".
    fn figure(&self, habit: usize) -> Bilingual {
        let share = format!("{:.0} %", self.compared[habit].own * 100.0);
        let Bilingual { en, zh } = &self.habits[habit].figure;
        Bilingual::new(en.replace("{}", &share), zh.replace("{}", &share.replace(' ', "")))
    }

    fn named(&self, name: Name) -> NamedGroup {
        let description = Some(self.description(&name));
        let claim = |(habit, words): (usize, Bilingual)| NameClaim {
            words,
            share: self.compared[habit].members,
        };
        let claims = name.claims.into_iter().map(claim).collect();
        NamedGroup { words: name.words, claims, description }
    }

    /// The habits that its name claims and those in which it differs most, beside all users.
    fn description(&self, name: &Name) -> Bilingual {
        let others = self.shown.iter().copied().filter(|it| !name.claims(*it));
        let shown = name.claims.iter().map(|it| it.0).chain(others).take(N_SHOWN);
        let lines: Vec<Bilingual> = shown
            .map(|it| {
                let (figure, all) = (self.figure(it), self.compared[it].all * 100.0);
                Bilingual::new(
                    format!("{} (all: {all:.0} %)", figure.en),
                    format!("{}（全体{all:.0}%）", figure.zh),
                )
            })
            .collect();
        match lines.is_empty() {
            true => Bilingual::new("Shops as all users do.", "购物习惯与全体用户相近。"),
            false => sentence(&lines),
        }
    }
}
