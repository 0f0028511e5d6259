/** Whether this is `npm run test:deep`, where sweeps are whole; `npm test` has their corners. */
export const isDeep = process.env.TIRC_FUZZ_RUNS !== undefined;
