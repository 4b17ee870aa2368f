DELETE FROM `completed_task`;--> statement-breakpoint
UPDATE `completed_framework` SET `row` = json_set(`row`, '$.frameworkSeq', `seq`);
