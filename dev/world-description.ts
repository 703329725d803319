/** What `npm start` prints once the world is up. Of the environment it names variables, never a value. */
import { demoValues } from './demo-values.ts'
import { readVariable, type Environment } from './environment.ts'
import type { World } from './world.ts'

/**
 * @param given the environment before the world completed it.
 * @param whyNotMigrated null where the database is at the current schema.
 */
export function describeWorld(world: World, given: Environment, whyNotMigrated: string | null): string {
  const isDemo = (name: string) => readVariable(given, name) === undefined
  const { standIns, url } = world
  const yours = (...names: string[]) => `yours, from ${names.filter((name) => !isDemo(name)).join(', ')}`
  const wechat = (simulated: boolean, name: string) => (simulated ? 'stand-in: the simulator at /wechat' : yours(name))

  const schema = whyNotMigrated === null ? ' (brought to the current schema, as npm run migrate does)' : `, NOT MIGRATED: ${whyNotMigrated}`

  const lines = [
    `The local world is ready at ${url}`,
    '',
    `  functions         ${world.functions.length} at /api/`,
    `  database          ${standIns.database ? 'stand-in: embedded PostgreSQL, kept in .data/' : `${yours('DATABASE_URL')}${schema}`}`,
    `  Redis             ${standIns.redis ? 'stand-in: embedded, in memory' : yours('UPSTASH_REDIS_REST_URL', 'KV_REST_API_URL')}`,
    `  Mini Program API  ${wechat(standIns.miniProgramApi, 'WECHAT_API_URL')}`,
    `  WeChat Pay        ${wechat(standIns.payApi, 'WECHAT_PAY_URL')}`,
    `  merchant webhook  ${standIns.merchant ? `stand-in: events are listed at ${url}/merchant/events` : yours('ORDER_WEBHOOK_URL')}`,
    '',
    'Next:',
    `  point the Mini Program at ${url}/api`,
    ...(isDemo('MERCHANT_API_KEY')
      ? [
          `  fill the catalogue:      curl -X PUT ${url}/api/products -H 'authorization: Bearer ${demoValues.MERCHANT_API_KEY}' -H 'content-type: application/json' -d '{"products":[{"sku":"latte","name":"拿铁","price":2800}]}'`,
        ]
      : []),
    ...(world.simulator === undefined
      ? []
      : [
          `  log in without a phone:  curl -X POST ${url}/wechat/control/login   gives a code for POST /api/login`,
          `  let the user pay:        curl -X POST ${url}/wechat/control/pay -H 'content-type: application/json' -d '<what /api/prepay answered>'`,
        ]),
    ...(isDemo('MERCHANT_API_KEY') ? [`  merchant calls:          Authorization: Bearer ${demoValues.MERCHANT_API_KEY}`] : []),
    ...(isDemo('CRON_SECRET')
      ? [`  run what cron would:     curl ${url}/api/cron -H 'authorization: Bearer ${demoValues.CRON_SECRET}'`]
      : []),
    '',
    'Ctrl-C stops it.',
  ]
  return lines.join('\n')
}
