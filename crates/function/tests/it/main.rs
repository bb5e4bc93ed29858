//! The room alone: real processes behind real walls, AWS's own client in them, a manual clock.
//!
//! This binary is also the launcher and the function that it tests, by its first argument.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "a test and a function speak there")]

mod act;
mod desk;
mod destinations;
mod hostile;
mod invocations;
mod lambda;
mod room;
mod server;
mod sources;
mod versions;
mod walls;

use std::{env, panic::AssertUnwindSafe, pin::Pin, process::ExitCode};

type Test = fn() -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! tests {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$((stringify!($name), (|| Box::pin($module::$name())) as Test)),*]
    };
}

const TESTS: &[(&str, Test)] = tests![
    invocations::an_answer_is_settled_and_then_acknowledged,
    invocations::a_failing_function_is_tried_again_and_then_buried,
    invocations::a_function_that_takes_too_long_is_ended,
    invocations::a_function_that_exits_has_failed,
    invocations::a_function_that_exits_at_its_start_has_failed,
    invocations::a_function_that_never_asks_for_work_has_failed,
    invocations::an_init_error_is_the_reason,
    invocations::an_answer_that_is_too_large_is_a_failure,
    invocations::a_settlement_that_fails_is_repeated_without_a_new_try,
    invocations::an_answer_may_give_its_event_up_for_good,
    invocations::the_same_delivery_twice_is_one_invocation,
    invocations::an_unknown_function_takes_nothing,
    invocations::a_stop_gives_back_what_waits_and_the_next_start_runs_it,
    invocations::a_stop_ends_what_does_not_end_itself,
    invocations::a_dead_letter_can_be_run_again,
    invocations::memory_over_the_limit_ends_the_instance,
    invocations::an_instance_serves_many_events_and_leaves_when_idle,
    invocations::the_log_tells_of_each_invocation,
    lambda::a_python_handler_is_called_and_answers,
    lambda::a_python_handlers_failures_are_told_as_lambda_tells_them,
    lambda::a_call_that_takes_too_long_is_ended,
    lambda::a_node_handler_is_called_in_each_of_its_styles,
    lambda::a_program_of_its_own_is_a_function,
    lambda::a_function_outlives_a_restart_and_its_old_code_does_not,
    lambda::calls_beyond_what_is_reserved_are_throttled,
    lambda::an_event_is_tried_as_often_as_its_function_says,
    lambda::an_event_that_became_too_old_is_not_tried,
    lambda::code_may_lie_in_a_bucket,
    lambda::a_role_must_be_passed_and_trust_lambda,
    lambda::a_function_that_stands_still_delays_no_other_for_long,
    lambda::events_of_a_function_without_instances_are_dead_letters,
    versions::a_version_is_what_was_published_whatever_comes_after_it,
    versions::events_permissions_and_settings_are_a_versions_own,
    versions::versions_share_what_is_reserved_for_their_function,
    destinations::a_success_is_told_to_its_destination,
    destinations::a_failure_is_told_after_the_last_try_and_is_no_dead_letter,
    destinations::an_event_that_grew_too_old_is_told_with_its_last_error,
    destinations::an_event_for_which_nothing_is_reserved_is_told_without_a_try,
    destinations::a_function_may_be_told_by_an_event_of_its_own,
    destinations::a_dead_letter_target_receives_the_event_itself,
    destinations::a_destination_that_takes_nothing_leaves_a_dead_letter_that_can_be_replayed,
    destinations::a_destination_must_be_there_and_open_to_the_role,
    sources::a_batch_is_given_to_the_function_and_then_deleted,
    sources::a_batch_that_failed_comes_again_once_it_is_visible,
    sources::only_messages_that_are_named_come_again,
    sources::a_batch_waits_for_its_window_and_is_cut_at_its_size,
    sources::what_no_filter_wants_is_deleted_without_an_invocation,
    sources::a_mapping_is_disabled_enabled_and_deleted,
    sources::a_mapping_outlives_a_restart_and_a_stop_shows_what_nobody_had,
    sources::a_mapping_waits_while_its_function_may_not_run,
    sources::a_mapping_that_cannot_be_is_refused,
    walls::a_function_reads_only_what_is_its_own,
    walls::a_program_runs_wherever_it_lies,
    walls::a_function_reaches_only_its_runtime_api_and_our_endpoint,
    walls::a_function_sees_only_its_own_processes,
    walls::a_function_hears_a_polite_end,
    walls::a_function_has_no_privileges,
    walls::a_function_has_lambdas_environment_and_no_other,
    walls::a_function_that_asks_at_the_wrong_moment_is_refused,
    walls::required_isolation_refuses_where_a_wall_is_missing,
    walls::without_namespaces_the_walls_that_are_missing_are_named_and_others_stand,
    hostile::a_hostile_function_reads_nothing_of_the_server_and_of_others,
    hostile::a_hostile_function_reaches_nobody_by_any_socket,
    hostile::a_hostile_functions_system_calls_are_refused,
    hostile::a_bomb_of_threads_finds_its_bound,
    hostile::a_crowd_that_spins_runs_behind_everybody_and_the_server_goes_on,
    hostile::a_crowd_of_sessions_is_ended,
    hostile::memory_is_bounded_however_quick_and_however_many,
    hostile::a_scratch_folder_is_as_large_as_it_may_be,
    hostile::endless_output_is_cut_off_and_said_so,
    hostile::a_runtime_api_bears_with_a_hostile_client,
    hostile::what_a_function_lets_go_ends_with_its_instance,
    hostile::without_namespaces_what_it_lets_go_is_found,
    server::a_killed_server_leaves_no_process,
];

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    match args.next().as_ref().and_then(|arg| arg.to_str()) {
        Some(room::LAUNCH) => return function::launch(args),
        Some(room::LAUNCH_BARE) => {
            act::lose_namespaces();
            return function::launch(args);
        }
        Some("act") => return act::act(&args.next().unwrap().into_string().unwrap()),
        Some("serve") => return server::serve(args.next().unwrap().as_ref()),
        _ => {}
    }
    let wanted: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = TESTS.iter().filter(|(name, _)| {
        wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()))
    });
    if env::args().any(|arg| arg == "--list") {
        chosen.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let failed: Vec<&str> =
        chosen.filter(|(name, test)| !passes(name, *test)).map(|(name, _)| *name).collect();
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {}", failed.join(", "));
    ExitCode::FAILURE
}

fn passes(name: &str, test: Test) -> bool {
    let passed = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let time = std::time::Duration::from_secs(60);
            tokio::time::timeout(time, test()).await.expect("a test ends within a minute");
        });
    }))
    .is_ok();
    println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    passed
}
