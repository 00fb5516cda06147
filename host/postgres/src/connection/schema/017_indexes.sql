-- The rest of the tables of version 17, once they have their rows.

-- A task that was rewritten is due for delivery when it is due. Until then it may have been
-- put off.
UPDATE schema.task SET deliver_at = before.deliver_at FROM schema.task_of_0_1 AS before
WHERE before.id = task.id AND before.completed_at IS NULL AND before.deliver_at <> task.deliver_at;

DROP TABLE schema.task_of_0_1, schema.concept_of_0_1, schema.job_of_0_1;

CREATE INDEX task_active ON schema.task (user_id, created_at, id) WHERE completed_at IS NULL;
CREATE INDEX task_of_user ON schema.task (user_id, created_at DESC, id DESC);
-- So that tasks can be counted without reading them, and an operator finds the latest.
CREATE INDEX task_failed ON schema.task (id) WHERE status = 'failed';
CREATE INDEX task_due ON schema.task (due_at) WHERE completed_at IS NULL;
CREATE INDEX task_deliver ON schema.task (deliver_at) WHERE completed_at IS NULL;
CREATE INDEX task_delivery ON schema.task (delivery_due_at, completed_at) INCLUDE (receiver)
    WHERE completed_at IS NOT NULL AND delivery_due_at IS NOT NULL;
CREATE INDEX task_age ON schema.task (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX task_original ON schema.task (original_path)
    WHERE original_path IS NOT NULL AND completed_at IS NULL;

ALTER TABLE schema.concept ADD UNIQUE (task_id);
CREATE INDEX concept_of_user ON schema.concept (user_id, created_at DESC, id DESC);
CREATE INDEX concept_age ON schema.concept (created_at);
CREATE INDEX concept_by_image ON schema.concept (image_sha256) WHERE image_sha256 IS NOT NULL;
CREATE INDEX concept_of_parent ON schema.concept (parent_id, created_at, id)
    WHERE parent_id IS NOT NULL;

-- Otherwise the first queries are planned as if the tables were empty.
ANALYZE schema.task, schema.concept;
