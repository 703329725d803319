/** WeChat's test call of APIv3 and its notification. The shop uses APIv3 with certificates. */
import { misbehaving, type Row } from './row.ts'

const NOT_TESTED = 'WECHAT_PAY_V3_KEY and the notify URL were not tested with a notification: '

const notTested = (fault: string, reason: string, bring: Row[5]): Row => [
  fault,
  'api',
  'v3_not_notifiable',
  'skipped',
  NOT_TESTED + reason,
  bring,
]

const lost = (fault: string, bring: Row[5]): Row => [
  fault,
  'api',
  'v3_not_notified',
  'warning',
  'WeChat Pay’s test notification did not arrive within 2 seconds',
  async (setup) => ({ ...(await bring(setup)), limitMs: 2_000 }),
]

const NOT_OFFERED = 'WeChat Pay does not offer its test call to this merchant'
const FAILED = 'WeChat Pay did not answer its test call as documented'

export const echo: readonly Row[] = [
  [
    'nothing',
    'api',
    'v3_notified',
    'ok',
    'WeChat Pay’s test notification arrived, and notify decrypted it with WECHAT_PAY_V3_KEY',
    ({ shop, undoLater }) => {
      shop.wechat.start()
      undoLater(() => shop.wechat.stop())
      return {}
    },
  ],
  lost('a notify URL that WeChat does not reach', () => ({})),
  lost('another APIv3 key in the console', ({ shop, undoLater }) => {
    shop.wechat.misbehave({ on: 'notify', do: 'wrong-api-key' })
    shop.wechat.start()
    undoLater(() => shop.wechat.stop())
    return {}
  }),
  notTested(
    'a merchant without the test call (403)',
    NOT_OFFERED,
    misbehaving({ on: 'echo', do: 'err-code', errCode: 'NO_AUTH' }),
  ),
  notTested(
    'a merchant without the test call (404)',
    NOT_OFFERED,
    misbehaving({ on: 'echo', do: 'err-code', errCode: 'RESOURCE_NOT_EXISTS' }),
  ),
  notTested(
    'an answer that another key has signed',
    FAILED,
    misbehaving({ on: 'echo', do: 'wrong-key' }),
  ),
  notTested(
    'a refusal',
    FAILED,
    misbehaving({ on: 'echo', do: 'err-code', errCode: 'PARAM_ERROR' }),
  ),
  notTested('no PUBLIC_URL', 'PUBLIC_URL comes first', (setup) =>
    setup.changed({ PUBLIC_URL: '' }),
  ),
  notTested('no Redis', 'Redis comes first', ({ changed, nowhere }) =>
    changed({ UPSTASH_REDIS_REST_URL: nowhere }),
  ),
]
