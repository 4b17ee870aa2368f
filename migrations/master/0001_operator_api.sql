CREATE TABLE `executor` (
	`seq` integer PRIMARY KEY NOT NULL,
	`row` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `gone_agent` (
	`seq` integer PRIMARY KEY NOT NULL,
	`row` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `inverse_answer` (
	`seq` integer PRIMARY KEY NOT NULL,
	`row` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `machine` (
	`seq` integer PRIMARY KEY NOT NULL,
	`row` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `operation` (
	`seq` integer PRIMARY KEY NOT NULL,
	`row` text NOT NULL
);
