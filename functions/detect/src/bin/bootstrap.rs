//! The function as Lambda starts it.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    detect::log_to_stderr();
    detect::run().await
}
