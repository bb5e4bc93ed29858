//! What a crash or a bad disk leaves.

use crate::world::World;

#[tokio::test]
async fn bytes_without_an_object_are_gone_after_a_restart() {
    let world = World::with_bucket().await;
    world.put("/bkt/k", b"hello").await;
    let data = world.dir.path().join("data");
    let stray = "00112233445566778899aabbccddeeff";
    std::fs::write(data.join("objects/00").join(stray), b"no row names this").unwrap();
    std::fs::write(data.join("incoming").join(stray), b"half written").unwrap();
    assert_eq!(world.files().len(), 3);
    let world = world.reopened().await;
    assert_eq!(world.files().len(), 1);
    assert_eq!(world.get("/bkt/k").await.expect(200).text(), "hello");
}

#[tokio::test]
async fn altered_bytes_are_never_given_as_the_objects() {
    let world = World::with_bucket().await;
    world.put("/bkt/k", b"hello").await;
    let file = world.files().pop().unwrap();
    std::fs::write(&file, b"hullo").unwrap();
    let got = world.get("/bkt/k").await;
    assert!(got.body.is_err(), "{got:?}");
    assert!(world.buckets.read("bkt", "k").await.is_err());
    std::fs::write(&file, b"he").unwrap();
    assert!(world.get("/bkt/k").await.body.is_err());
    std::fs::remove_file(&file).unwrap();
    world.get("/bkt/k").await.refused(500, "InternalError");
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_given_up() {
    let world = World::with_bucket().await;
    let begin = async |world: &World| {
        world.call("POST", "/bkt/big?uploads", &[], b"").await.element("UploadId")
    };
    let old = begin(&world).await;
    world.put(&format!("/bkt/big?partNumber=1&uploadId={old}"), b"x").await;
    world.clock.advance(8 * 24 * 60 * 60 * 1000);
    let new = begin(&world).await;
    let world = world.reopened().await;
    assert_eq!(world.get("/bkt?uploads").await.elements("UploadId"), [new]);
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_an_object_or_nothing() {
    let world = World::with_bucket().await;
    for polls in 0..40 {
        let mut call = Box::pin(world.call("PUT", "/bkt/k", &[], b"hello"));
        for _ in 0..polls {
            // Each poll that is not ready lets the disk's threads go on a little.
            if futures_util::poll!(&mut call).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
    }
    let world = world.reopened().await;
    let objects = world.buckets.objects("bkt").await.unwrap().len();
    assert_eq!(world.files().len(), objects);
    if objects == 1 {
        assert_eq!(world.get("/bkt/k").await.expect(200).text(), "hello");
    }
}
