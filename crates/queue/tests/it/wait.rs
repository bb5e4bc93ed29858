//! Those who wait for messages.

use flow::{Clock, Fault, Tree};

use crate::world::{World, bodies, call, receive_input, texts, url};

/// A receive that waits for 20 seconds, and has begun to.
async fn wait_at(world: &World, tasks: &mut tokio::task::JoinSet<Result<Tree, Fault>>, name: &str) {
    let (queues, now) = (world.queues.clone(), world.clock.now());
    let input = receive_input(name, &[("WaitTimeSeconds", 20)]);
    tasks.spawn(async move { call(&queues, now, "ReceiveMessage", input).await });
    world.settle().await;
    assert!(tasks.try_join_next().is_none(), "it did not wait");
}

async fn ended(tasks: &mut tokio::task::JoinSet<Result<Tree, Fault>>) -> Vec<String> {
    let answer = tasks.join_next().await.unwrap().unwrap().unwrap();
    bodies(answer.list("Messages")).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_wait_ends_with_the_message_that_is_sent() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    wait_at(&world, &mut tasks, "jobs").await;
    world.send("jobs", "a").await;
    assert_eq!(ended(&mut tasks).await, ["a"]);
}

#[tokio::test]
async fn a_wait_ends_with_its_time() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    wait_at(&world, &mut tasks, "jobs").await;
    world.pass(19);
    world.settle().await;
    assert!(tasks.try_join_next().is_none());
    world.pass(1);
    assert!(ended(&mut tasks).await.is_empty());
}

#[tokio::test]
async fn a_wait_ends_when_a_message_becomes_visible() {
    let world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "10")]).await;
    world.create("late", &[("DelaySeconds", "5")]).await;
    world.send("jobs", "a").await;
    assert_eq!(world.receive("jobs").await.len(), 1);
    let mut tasks = tokio::task::JoinSet::new();
    wait_at(&world, &mut tasks, "jobs").await;
    world.pass(10);
    assert_eq!(ended(&mut tasks).await, ["a"]);
    wait_at(&world, &mut tasks, "late").await;
    world.send("late", "b").await;
    world.settle().await;
    assert!(tasks.try_join_next().is_none());
    world.pass(5);
    assert_eq!(ended(&mut tasks).await, ["b"]);
}

#[tokio::test]
async fn a_wait_ends_when_a_holder_lets_go() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    world.send("jobs", "a").await;
    let held = world.receive("jobs").await.remove(0);
    let mut tasks = tokio::task::JoinSet::new();
    wait_at(&world, &mut tasks, "jobs").await;
    world.hide("jobs", &held, 0).await.unwrap();
    assert_eq!(ended(&mut tasks).await, ["a"]);
}

#[tokio::test]
async fn who_came_first_is_served_first_and_each_message_goes_to_one() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3 {
        wait_at(&world, &mut tasks, "jobs").await;
    }
    for body in ["a", "b", "c"] {
        world.send("jobs", body).await;
        assert_eq!(ended(&mut tasks).await, [body]);
    }
    assert!(tasks.is_empty());
}

#[tokio::test]
async fn a_wait_ends_with_its_queue() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    wait_at(&world, &mut tasks, "jobs").await;
    world.call("DeleteQueue", texts(&[("QueueUrl", &url("jobs"))])).await.unwrap();
    let ended = tasks.join_next().await.unwrap().unwrap();
    assert_eq!(ended.unwrap_err().code, "QueueDoesNotExist");
}

#[tokio::test]
async fn a_stop_ends_the_waits_of_callers() {
    let mut world = World::open().await;
    world.create("jobs", &[]).await;
    world.run();
    let mut tasks = tokio::task::JoinSet::new();
    wait_at(&world, &mut tasks, "jobs").await;
    world.stop.cancel();
    assert!(ended(&mut tasks).await.is_empty());
    world.tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn the_queue_says_how_long_to_wait_where_the_caller_does_not() {
    let world = World::open().await;
    world.create("jobs", &[("ReceiveMessageWaitTimeSeconds", "3")]).await;
    let (queues, now) = (world.queues.clone(), world.clock.now());
    let mut tasks = tokio::task::JoinSet::new();
    let input = receive_input("jobs", &[]);
    tasks.spawn(async move { call(&queues, now, "ReceiveMessage", input).await });
    world.settle().await;
    assert!(tasks.try_join_next().is_none());
    world.pass(3);
    assert!(ended(&mut tasks).await.is_empty());
    assert!(world.receive_with("jobs", &[("WaitTimeSeconds", 0)]).await.is_empty());
}
