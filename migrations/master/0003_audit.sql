CREATE TABLE `audit` (
	`seq` integer PRIMARY KEY NOT NULL,
	`row` text NOT NULL
);
