use std::cell::RefCell;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn seconds(seconds: i64) -> Duration {
    Duration::seconds(seconds)
}

/// The server's clock is ahead by this, as an answer that took no time shows.
fn ahead(by: i64) -> Shown {
    Shown(Some((seconds(by), seconds(by), Source::Date)))
}

fn between(least: i64, most: i64) -> Shown {
    Shown(Some((seconds(least), seconds(most), Source::Date)))
}

fn by_token(by: i64) -> Shown {
    Shown(Some((seconds(by), seconds(by), Source::Token)))
}

fn proven(by: i64) -> Offset {
    Offset::proven(seconds(by), Source::Date)
}

fn assumed(by: i64) -> Offset {
    Offset::assumed(seconds(by), Source::Date)
}

fn accepted(used: Offset, shown: Shown) -> Facts {
    Facts {
        outside: None,
        succeeded: true,
        used,
        verdict: Verdict::Accepted,
        shown,
        named: None,
        failed: false,
        other_key: false,
    }
}

fn refused(used: Offset, shown: Shown) -> Facts {
    Facts { succeeded: false, verdict: Verdict::Refused, ..accepted(used, shown) }
}

fn named(used: Offset, shown: Shown, fault: TimeFault) -> Facts {
    Facts { named: Some(fault), ..refused(used, shown) }
}

/// A clock that is shared, as the client shares it.
struct Clock(RefCell<ServerClock>);

impl Clock {
    fn new(discovered: Shown) -> Self {
        Self(RefCell::new(ServerClock::new(discovered)))
    }

    fn offset(&self) -> Offset {
        self.0.borrow().kept
    }

    fn answered(&self, facts: &Facts, now: OffsetDateTime) -> Option<Offset> {
        self.0.borrow_mut().answered(facts, now)
    }

    fn suspicion(&self, facts: &Facts) -> Option<Option<Duration>> {
        self.0.borrow().suspicion(facts)
    }

    fn correction(&self, facts: &Facts, search: &mut Search, now: OffsetDateTime) -> Option<Offset> {
        self.0.borrow_mut().correction(facts, search, now)
    }
}

fn clock() -> Clock {
    Clock::new(Shown::NOTHING)
}

/// The offset of the next assertion after a rejection, in seconds, for a client that knows nothing
/// yet.
fn correction(facts: Facts) -> Option<i64> {
    let offset = clock().correction(&facts, &mut Search::default(), NOW);
    offset.map(|offset| offset.by.whole_seconds())
}

#[test]
fn a_date_outside_the_time_of_the_request_is_a_difference() {
    for (least, most, expected) in [
        (0, 0, None),
        (3, 3, None),
        (4, 4, Some(4)),
        (-3, -3, None),
        (-4, -4, Some(-4)),
        // A slow response, with a date from somewhere in between.
        (-100, 100, None),
        (180, 200, Some(180)),
        (-200, -180, Some(-180)),
        (300, 300, Some(300)),
        (-600, -300, Some(-300)),
        // More than is believed.
        (301, 301, None),
        (-600, -301, None),
    ] {
        assert_eq!(correction(refused(Offset::NONE, between(least, most))), expected, "{least} {most}");
    }
    assert_eq!(correction(refused(Offset::NONE, Shown::NOTHING)), None);
}

#[test]
fn time_is_corrected_where_the_assertion_differs_from_the_servers_clock() {
    assert_eq!(correction(refused(Offset::NONE, ahead(180))), Some(180));
    assert_eq!(correction(refused(proven(178), ahead(180))), None);
    // Our clock was set meanwhile.
    assert_eq!(correction(refused(proven(180), ahead(0))), Some(0));
    assert_eq!(correction(refused(proven(180), ahead(-60))), Some(-60));
    // Only a rejection of the client may be about time.
    for verdict in [Verdict::Accepted, Verdict::Silent] {
        assert_eq!(correction(Facts { verdict, ..refused(Offset::NONE, ahead(180)) }), None);
    }
}

#[test]
fn what_is_only_assumed_gives_way_to_our_own_time_unless_another_key_may_help() {
    for shown in [ahead(180), Shown::NOTHING] {
        assert_eq!(correction(refused(assumed(180), shown)), Some(0));
        assert_eq!(correction(Facts { other_key: true, ..refused(assumed(180), shown) }), None);
        assert_eq!(correction(refused(proven(180), shown)), None);
    }
    // Its date shows another difference.
    assert_eq!(correction(refused(assumed(180), ahead(60))), Some(60));
}

/// Some servers do not tolerate a single second.
#[test]
fn an_assertion_from_the_future_is_corrected_by_less_than_a_difference() {
    let named = |by, fault| correction(named(Offset::NONE, ahead(by), fault));
    assert_eq!(named(0, TimeFault::NotYetValid), Some(-3));
    assert_eq!(named(-2, TimeFault::NotYetValid), Some(-3));
    assert_eq!(named(-4, TimeFault::NotYetValid), Some(-4));
    // The date is believed, and not the text.
    assert_eq!(named(0, TimeFault::Expired), None);
    assert_eq!(named(0, TimeFault::NotActive), None);
    assert_eq!(named(301, TimeFault::Expired), None);
    // Not by more than is believed.
    let from = |used| {
        let facts = refused(proven(used), ahead(used));
        correction(Facts { named: Some(TimeFault::NotYetValid), ..facts })
    };
    assert_eq!([from(-296), from(-298), from(-300)], [Some(-299), Some(-300), None]);
    // Without words, where the server failed and its clock is behind for certain.
    let failed = |by| correction(Facts { failed: true, ..refused(Offset::NONE, ahead(by)) });
    assert_eq!([failed(2), failed(0), failed(-1), failed(-2)], [None, None, None, Some(-3)]);
    assert_eq!(failed(-30), Some(-30));
}

#[test]
fn there_is_one_correction_by_what_is_known() {
    let (clock, mut search) = (clock(), Search::default());
    let facts = refused(Offset::NONE, ahead(180));
    assert_eq!(clock.correction(&facts, &mut search, NOW), Some(assumed(180)));
    assert!(search.is_corrected());
    for facts in [facts, refused(assumed(180), ahead(60)), refused(assumed(180), ahead(180))] {
        assert_eq!(clock.correction(&facts, &mut search, NOW), None);
    }
}

#[test]
fn a_difference_that_the_server_tolerated_is_not_why_it_refuses() {
    let clock = clock();
    let correction = |used, by| {
        let offset = clock.correction(&refused(used, ahead(by)), &mut Search::default(), NOW);
        offset.map(|offset| offset.by.whole_seconds())
    };
    assert_eq!(correction(Offset::NONE, 10), Some(10));
    for by in [10, 12, 11] {
        clock.answered(&accepted(Offset::NONE, ahead(by)), NOW);
    }
    assert_eq!(clock.suspicion(&refused(Offset::NONE, ahead(12))), None);
    assert_eq!(correction(Offset::NONE, 12), None);
    // It may be the reason now.
    assert_eq!(correction(Offset::NONE, 12), Some(12));
    clock.answered(&accepted(Offset::NONE, ahead(12)), NOW);
    // A larger difference may be, and one in the other direction.
    assert_eq!(correction(Offset::NONE, 13), Some(13));
    assert_eq!(correction(Offset::NONE, -10), Some(-10));
    // It is not assumed for the next assertion either; another one is.
    assert_eq!(clock.answered(&refused(Offset::NONE, ahead(12)), NOW), None);
    assert_eq!(clock.answered(&refused(Offset::NONE, ahead(-10)), NOW), Some(assumed(-10)));
    clock.answered(&accepted(Offset::NONE, ahead(12)), NOW);
    assert_eq!(clock.offset(), Offset::NONE);
    // An assertion with the server's time says nothing either.
    assert_eq!(correction(proven(200), 10), Some(10));
    assert_eq!(correction(Offset::NONE, 10), None);
}

#[test]
fn an_offset_is_assumed_until_it_was_accepted_and_followed_from_then_on() {
    let clock = clock();
    let answered = |facts: Facts, expected: Offset| {
        let before = clock.offset();
        let changed = clock.answered(&facts, NOW);
        assert_eq!(clock.offset(), expected, "{facts:?}");
        assert_eq!(changed, (before != expected).then_some(expected), "{facts:?}");
    };
    let silent = |used, shown| Facts { verdict: Verdict::Silent, ..refused(used, shown) };
    // A date proves nothing, but it is tried.
    answered(refused(Offset::NONE, ahead(180)), assumed(180));
    // In vain.
    answered(refused(assumed(180), ahead(180)), Offset::NONE);
    answered(refused(Offset::NONE, ahead(301)), Offset::NONE);
    answered(silent(Offset::NONE, ahead(170)), assumed(170));
    answered(silent(assumed(170), Shown::NOTHING), assumed(170));
    // Our own time is accepted as it is.
    answered(accepted(Offset::NONE, ahead(170)), Offset::NONE);
    answered(refused(Offset::NONE, ahead(180)), assumed(180));
    // Accepted with it, and again with any date that is too close to be a difference.
    answered(accepted(assumed(180), ahead(180)), proven(180));
    answered(accepted(proven(180), ahead(183)), proven(180));
    answered(accepted(proven(180), Shown::NOTHING), proven(180));
    answered(refused(proven(180), Shown::NOTHING), proven(180));
    // A request from before says nothing about it.
    answered(accepted(Offset::NONE, ahead(180)), proven(180));
    answered(accepted(Offset::NONE, ahead(0)), proven(180));
    answered(refused(proven(180), ahead(180)), proven(180));
    // The server's clock moves, is set right, or is not to be believed any more.
    answered(accepted(proven(180), ahead(190)), proven(190));
    answered(accepted(proven(190), ahead(0)), Offset::NONE);
    answered(accepted(proven(-60), ahead(-60)), proven(-60));
    answered(accepted(proven(-60), ahead(301)), Offset::NONE);
    answered(accepted(proven(-60), ahead(-60)), proven(-60));
    answered(refused(proven(-60), ahead(301)), Offset::NONE);
    answered(accepted(proven(-60), Shown::NOTHING), proven(-60));
    answered(silent(proven(-60), ahead(0)), Offset::NONE);
    answered(accepted(proven(-60), ahead(-60)), proven(-60));
    answered(refused(proven(-60), ahead(220)), assumed(220));
}

#[test]
fn a_slow_answer_does_not_move_an_offset_that_it_allows() {
    let clock = clock();
    clock.answered(&accepted(proven(-180), ahead(-180)), NOW);
    // Of a clock 180 s behind, made at once and 10 s on the way; and made at the end of 10 s.
    for shown in [between(-190, -180), between(-180, -170)] {
        for facts in [accepted(proven(-180), shown), refused(proven(-180), shown)] {
            assert_eq!((clock.answered(&facts, NOW), clock.offset()), (None, proven(-180)));
        }
    }
}

#[test]
fn discovery_is_assumed() {
    let offset = |shown| Clock::new(shown).offset();
    let discovered = |by: i64| Shown(Some((seconds(by), seconds(by), Source::Discovery)));
    assert_eq!(offset(discovered(30)), Offset::assumed(seconds(30), Source::Discovery));
    assert_eq!(offset(discovered(-300)), Offset::assumed(seconds(-300), Source::Discovery));
    for by in [0, 3, -3, 301, -3600] {
        assert_eq!(offset(discovered(by)), Offset::NONE, "{by}");
    }
    let clock = Clock::new(discovered(30));
    let used = clock.offset();
    assert_eq!(
        clock.answered(&accepted(used, ahead(31)), NOW),
        Some(Offset::proven(seconds(30), Source::Discovery))
    );
}

/// The offsets that a server sees if it accepts what `judge` accepts, and whether it accepted the
/// last.
fn search(clock: &Clock, judge: impl Fn(i64) -> Option<TimeFault>) -> (Vec<i64>, bool) {
    let (mut search, mut used) = (Search::default(), clock.offset());
    let mut tried = Vec::new();
    loop {
        let by = used.by.whole_seconds();
        tried.push(by);
        let Some(fault) = judge(by) else {
            clock.answered(&accepted(used, Shown::NOTHING), NOW);
            return (tried, true);
        };
        let facts = named(used, Shown::NOTHING, fault);
        clock.answered(&facts, NOW);
        match clock.correction(&facts, &mut search, NOW) {
            Some(offset) => used = offset,
            None => return (tried, false),
        }
    }
}

/// A server whose clock is ahead of ours by this. It accepts an `iat` this much before or after its
/// time.
fn server(ahead: i64, before: i64, after: i64) -> impl Fn(i64) -> Option<TimeFault> {
    move |offset| match offset - ahead {
        early if early > after => Some(TimeFault::NotYetValid),
        late if late < -before => Some(TimeFault::Expired),
        _ => None,
    }
}

#[test]
fn words_lead_to_every_clock_within_five_minutes() {
    let tried = |ahead| search(&clock(), server(ahead, 60, 15));
    assert_eq!(tried(-30), (vec![0, -60], true));
    assert_eq!(tried(-60), (vec![0, -60], true));
    assert_eq!(tried(-90), (vec![0, -60, -120], true));
    assert_eq!(tried(60), (vec![0], true));
    assert_eq!(tried(61), (vec![0, 60], true));
    assert_eq!(tried(90), (vec![0, 60], true));
    assert_eq!(tried(150), (vec![0, 60, 120], true));
    // Too far: half-way back.
    assert_eq!(tried(-160), (vec![0, -60, -120, -240, -180], true));
    assert_eq!(tried(-300), (vec![0, -60, -120, -240, -300], true));
    // An hour is for a person to look at.
    assert_eq!(tried(-3600), (vec![0, -60, -120, -240, -300], false));
    assert_eq!(tried(3600), (vec![0, 60, 120, 240, 300], false));
    // However little a server tolerates, assertions of 60 s reach it with four more at most.
    for tolerance in [0, 1, 15, 30, 60] {
        for ahead in -300..=300 {
            let (tried, accepted) = search(&clock(), server(ahead, 60 + tolerance, tolerance));
            assert!(accepted && tried.len() <= 5, "{ahead} {tolerance}: {tried:?}");
        }
    }
}

#[test]
fn one_text_for_either_way_is_tried_either_way() {
    let tried =
        |ahead: i64| search(&clock(), move |by| server(ahead, 60, 15)(by).map(|_| TimeFault::NotActive));
    assert_eq!(tried(-30), (vec![0, -60], true));
    assert_eq!(tried(90), (vec![0, -60, 60], true));
    assert_eq!(tried(-90), (vec![0, -60, 60, -120], true));
    assert_eq!(tried(150), (vec![0, -60, 60, -120, 120], true));
    assert_eq!(tried(3600), (vec![0, -60, 60, -120, 120], false));
}

#[test]
fn words_that_contradict_each_other_end_the_search() {
    let tried = search(&clock(), |by| Some(if by < 0 { TimeFault::NotYetValid } else { TimeFault::Expired }));
    assert_eq!(tried, (vec![0, 60, 120, 240, 300], false));
    let tried = search(&clock(), |by| Some(if by < 0 { TimeFault::Expired } else { TimeFault::NotYetValid }));
    assert_eq!(tried, (vec![0, -60, -30, -15, -8], false));
}

#[test]
fn what_was_found_by_words_is_kept_and_followed_by_tokens() {
    let clock = clock();
    search(&clock, server(-30, 60, 15));
    assert_eq!(clock.offset(), Offset::proven(seconds(-60), Source::Text));
    clock.answered(&accepted(clock.offset(), by_token(-30)), NOW);
    assert_eq!(clock.offset(), Offset::proven(seconds(-30), Source::Token));
    // The search goes on from there when a clock is set.
    assert_eq!(search(&clock, server(60, 60, 15)), (vec![-30, 30], true));
}

#[test]
fn the_last_token_leads_first_where_it_is_the_way_the_text_says() {
    let clock = clock();
    clock.answered(&accepted(Offset::NONE, by_token(-14)), NOW);
    assert_eq!(clock.offset(), Offset::NONE);
    assert_eq!(search(&clock, server(-16, 60, 15)), (vec![0, -14], true));
    let other = Clock::new(Shown::NOTHING);
    other.answered(&accepted(Offset::NONE, by_token(-14)), NOW);
    assert_eq!(search(&other, server(90, 60, 15)), (vec![0, 60], true));
    // Without words it stands in for a date, also for what the server tolerated.
    let other = Clock::new(Shown::NOTHING);
    other.answered(&accepted(Offset::NONE, by_token(-14)), NOW);
    let correction = || other.correction(&refused(Offset::NONE, Shown::NOTHING), &mut Search::default(), NOW);
    assert_eq!(correction(), None);
    assert_eq!(correction(), Some(Offset::assumed(seconds(-14), Source::Token)));
}

#[test]
fn an_assumption_is_given_up_first_where_the_text_is_against_it() {
    let clock = Clock::new(ahead(180));
    assert_eq!(search(&clock, server(0, 60, 0)), (vec![180, 0], true));
    let clock = Clock::new(ahead(180));
    assert_eq!(search(&clock, server(270, 60, 0)), (vec![180, 240], true));
}

#[test]
fn words_that_led_nowhere_are_not_followed_for_a_minute() {
    let clock = clock();
    let first = |after: i64| {
        let facts = named(Offset::NONE, Shown::NOTHING, TimeFault::Expired);
        clock.correction(&facts, &mut Search::default(), NOW + seconds(after)).is_some()
    };
    assert!(!search(&clock, server(3600, 60, 15)).1);
    assert_eq!([first(0), first(59), first(60)], [false, false, true]);
    // A clock that was set back does not prolong it.
    assert_eq!([first(-1), first(-3600)], [true, true]);
    assert!(!first(30));
    clock.answered(&accepted(Offset::NONE, Shown::NOTHING), NOW);
    assert!(first(30));
    // Another rejection ends the search, too.
    let mut begun = Search::default();
    let facts = named(Offset::NONE, Shown::NOTHING, TimeFault::Expired);
    assert!(clock.correction(&facts, &mut begun, NOW).is_some());
    assert_eq!(clock.correction(&refused(assumed(60), Shown::NOTHING), &mut begun, NOW), None);
    assert!(!first(30));
}

#[test]
fn time_is_suspected_where_a_date_or_the_words_speak_of_it() {
    let suspicion = |facts| clock().suspicion(&facts).map(|ahead| ahead.map(Duration::whole_seconds));
    assert_eq!(suspicion(refused(Offset::NONE, ahead(3600))), Some(Some(3600)));
    assert_eq!(suspicion(refused(Offset::NONE, ahead(-30))), Some(Some(-30)));
    assert_eq!(suspicion(refused(Offset::NONE, ahead(3))), None);
    assert_eq!(suspicion(refused(assumed(180), ahead(180))), None);
    assert_eq!(suspicion(named(Offset::NONE, Shown::NOTHING, TimeFault::Expired)), Some(None));
    // The date is right.
    assert_eq!(suspicion(named(Offset::NONE, ahead(0), TimeFault::Expired)), None);
    assert_eq!(suspicion(refused(Offset::NONE, Shown::NOTHING)), None);
    for verdict in [Verdict::Accepted, Verdict::Silent] {
        assert_eq!(suspicion(Facts { verdict, ..refused(Offset::NONE, ahead(3600)) }), None);
    }
}

/// Of a request that carries something from outside, such as a code.
fn carried(hash: u64, facts: Facts) -> Facts {
    Facts { outside: Some(hash), ..facts }
}

fn after_seconds(by: i64) -> OffsetDateTime {
    NOW + seconds(by)
}

#[test]
fn what_one_request_carries_moves_no_clock_while_others_are_accepted() {
    for used in [Offset::NONE, proven(60)] {
        let clock = clock();
        clock.answered(&accepted(used, ahead(0)), NOW);
        clock.answered(&accepted(used, Shown::NOTHING), NOW);
        let kept = clock.offset();
        let silent = Facts { verdict: Verdict::Silent, ..refused(kept, ahead(-200)) };
        for facts in [refused(kept, ahead(200)), silent] {
            assert_eq!(clock.answered(&carried(1, facts), after_seconds(59)), None);
        }
        // Neither does a successful response: its date may come from something in front of the
        // server.
        clock.answered(&carried(1, accepted(kept, ahead(100))), NOW);
        assert_eq!(clock.offset(), kept);
        // A response to a request that carries nothing is believed, and so is any after a minute
        // without success.
        let mut late = after_seconds(60);
        let answered = carried(1, refused(kept, ahead(200)));
        assert_eq!(clock.answered(&answered, late), Some(assumed(200)));
        late += seconds(1);
        assert_eq!(clock.answered(&refused(assumed(200), ahead(150)), late), Some(assumed(150)));
    }
}

#[test]
fn words_that_led_nowhere_are_not_followed_for_that_request_only() {
    let clock = clock();
    let expired = |hash| carried(hash, named(Offset::NONE, Shown::NOTHING, TimeFault::Expired));
    let begins = |facts: Facts, now| clock.correction(&facts, &mut Search::default(), now).is_some();
    let in_vain = |hash, now| {
        let mut search = Search::default();
        let mut facts = expired(hash);
        while let Some(offset) = clock.correction(&facts, &mut search, now) {
            facts.used = offset;
        }
    };
    in_vain(1, NOW);
    assert!(!begins(expired(1), after_seconds(59)) && begins(expired(2), NOW));
    assert!(begins(named(Offset::NONE, Shown::NOTHING, TimeFault::Expired), NOW));
    assert!(begins(expired(1), after_seconds(60)));
    // The last 64 are kept.
    (100..300).for_each(|hash| in_vain(hash, NOW));
    assert!(!begins(expired(299), NOW) && begins(expired(100), NOW));
}
