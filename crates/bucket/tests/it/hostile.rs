//! Requests that no client of good will makes.

use proptest::{prelude::*, test_runner::TestRunner};

use crate::world::World;

#[test]
fn nonsense_is_answered_and_never_our_fault() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let world = runtime.block_on(World::with_bucket());
    let requests = (
        "(GET|PUT|POST|HEAD|DELETE|PATCH)",
        "(/|/bkt|/bkt/k|/bkt/%[0-9a-f]{2}[a-z/.]{0,3}|/[A-Za-z0-9./%-]{0,8})",
        "(|(uploads|uploadId|partNumber|delete|notification|list-type|prefix|max-keys|versionId\
          |tagging|marker)(=[0-9a-z%+-]{0,4})?(&(uploadId|delimiter|partNumber|x-id)=[0-9%]{0,2})?)",
        "(range|if-match|if-none-match|x-amz-copy-source|x-amz-meta-a|content-md5|content-type\
          |x-amz-checksum-crc32|x-amz-trailer|expires|x-amz-copy-source-range)",
        "[ -~]{0,12}",
        "(|<Delete>|<[A-Za-z]{0,9}>[ -~]{0,9}</?[A-Z]>|<NotificationConfiguration>\
          <CloudFunctionConfiguration/></NotificationConfiguration>|[ -~]{0,20})",
    );
    let mut runner = TestRunner::new(ProptestConfig { cases: 500, ..ProptestConfig::default() });
    runner
        .run(&requests, |(method, path, query, name, value, body)| {
            let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
            prop_assume!(uri.parse::<http::Uri>().is_ok());
            let headers = [(name.as_str(), value.trim())];
            let answer = runtime.block_on(world.call(&method, &uri, &headers, body.as_bytes()));
            prop_assert!(answer.status < 500 || answer.status == 501, "{answer:?}");
            prop_assert_eq!(answer.status >= 400, answer.fault.is_some() && answer.status != 304);
            Ok(())
        })
        .unwrap();
}
