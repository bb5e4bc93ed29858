//! The operations of SQS: a decoded call in, an answer out.

use std::sync::Arc;

use flow::{Answer, Fault, Pending, Request, Service, Tree};

use crate::{
    error::Refusal,
    room::{Inner, Queues},
};

impl Service for Queues {
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.call(&request).await?.into()) })
    }
}

impl Inner {
    async fn call(&self, request: &Request) -> Result<Tree, Refusal> {
        let input = &request.input;
        match request.operation.as_str() {
            "CreateQueue" => self.create_queue(request).await,
            "GetQueueUrl" => self.get_queue_url(request),
            "ListQueues" => self.list_queues(request),
            "DeleteQueue" => self.delete_queue(input).await,
            "PurgeQueue" => self.purge_queue(input).await,
            "GetQueueAttributes" => self.get_queue_attributes(input).await,
            "SetQueueAttributes" => self.set_queue_attributes(input).await,
            "SendMessage" => self.send_message(request).await,
            "SendMessageBatch" => self.send_message_batch(request).await,
            "ReceiveMessage" => self.receive_message(input).await,
            "DeleteMessage" => self.delete_message(input).await,
            "DeleteMessageBatch" => self.delete_message_batch(input).await,
            "ChangeMessageVisibility" => self.change_message_visibility(input).await,
            "ChangeMessageVisibilityBatch" => self.change_message_visibility_batch(input).await,
            "ListDeadLetterSourceQueues" => self.list_dead_letter_source_queues(request),
            "StartMessageMoveTask" => self.start_message_move_task(input).await,
            "ListMessageMoveTasks" => self.list_message_move_tasks(input).await,
            "CancelMessageMoveTask" => self.cancel_message_move_task(input).await,
            "AddPermission" => self.add_permission(input).await,
            "RemovePermission" => self.remove_permission(input).await,
            "TagQueue" => self.tag_queue(input).await,
            "UntagQueue" => self.untag_queue(input).await,
            "ListQueueTags" => self.list_queue_tags(input).await,
            other => Err(Fault::new(
                "InvalidAction",
                format!("The action {other} is not valid for this endpoint."),
            )
            .into()),
        }
    }
}
