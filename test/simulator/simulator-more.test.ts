/** The other half of the seeds. */
import { testSeeds } from "./seeds.ts";

testSeeds(1);
