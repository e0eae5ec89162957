//! The whole program against real servers on loopback: what an operator, a scraper and a device see of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test is a program of its own: it starts servers, opens connections and waits"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod alert_path;
mod at_the_gate;
mod baselines;
mod check;
mod daemon;
mod drift;
mod kill_switch;
mod network_services;
mod record;
mod reload;
mod snmp_agents;
mod ssh_hosts;
mod support;
mod targets;
mod validate;
mod web;

/// Names each scenario by the path of its function.
macro_rules! side_by_side {
    ($($scenario:path),* $(,)?) => { support::together(&[$((stringify!($scenario), $scenario)),*]) };
}

/// Schedules, gaps between connections and looks at target lists take their time; these wait for them together.
#[test]
fn a_plant_at_work() {
    side_by_side![
        at_the_gate::one_round_sends_no_more_than_the_plan_says,
        at_the_gate::a_minute_of_checks_due_every_second_keeps_the_rules_and_the_books_are_true,
        at_the_gate::a_round_by_hand_leaves_a_fragile_asset_to_the_running_daemon,
        baselines::a_port_that_nobody_approved_is_drift_until_somebody_decides_beside_the_running_daemon,
        baselines::an_approval_is_shown_within_a_minute_without_a_visit,
        daemon::prometheus_sees_what_the_daemon_sees_and_both_formats_are_well_formed,
        daemon::prometheus_takes_two_hundred_thousand_samples_in_one_scrape,
        daemon::kill_9_in_the_middle_of_a_round_forgets_nothing_that_was_shown,
        daemon::sigterm_lets_a_visit_finish_and_keeps_what_it_saw,
        drift::a_drift_shows_within_its_schedule_is_counted_once_and_ends,
        kill_switch::stop_traffic_cuts_what_is_open_and_holds_over_a_restart_until_resumed,
        reload::a_broken_file_changes_nothing_and_a_mended_one_takes_hold,
        targets::lists_that_change_are_followed,
        targets::lists_that_fail_leave_what_was_there,
    ];
}

/// Prometheus, Alertmanager and receivers wait for each other; these wait for them together.
#[test]
fn the_alert_path() {
    side_by_side![
        alert_path::prometheus_and_alertmanager_tell_of_a_drift_once_and_of_its_end,
        alert_path::the_daemon_tells_the_same_without_prometheus_and_a_dead_receiver_holds_up_nothing,
        alert_path::what_kill_9_kept_from_a_receiver_is_told_once_after_the_restart,
    ];
}
