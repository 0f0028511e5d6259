/** Set-up of every test file: each pass that runs is held to exact arithmetic. */

import { verification } from "../../src/pass-manager/exact-check.ts";

verification.byDefault = "exact";
