/** Set-up of every test file: each pass that runs is checked in exact arithmetic. */

import { verification } from "../../src/pass-manager/exact-check.ts";

verification.byDefault = "exact";
