/** The callers, and how each authenticates. */
export type Caller = 'user' | 'merchant' | 'cron'

const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description })

export const securitySchemes: Readonly<Record<Caller, ReturnType<typeof bearer>>> = {
  user: bearer('The `token` of `POST /api/login`.'),
  merchant: bearer('`MERCHANT_API_KEY`, for your own systems only: never in a Mini Program.'),
  cron: bearer('`CRON_SECRET`, which Vercel’s cron sends.'),
}

/** The shell variable for each in the examples. */
export const variableOf: Readonly<Record<Caller, string>> = {
  user: 'USER_TOKEN',
  merchant: 'MERCHANT_API_KEY',
  cron: 'CRON_SECRET',
}
