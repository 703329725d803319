/**
 * SQL for the date in Beijing at this moment. `core/time.ts` explains why a constant offset is
 * enough.
 */
export const beijingDate = (moment: string): string =>
  `((${moment}) at time zone 'UTC' + interval '8 hours')::date`
