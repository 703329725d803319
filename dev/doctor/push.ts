/** Message push: the deployment must have the token that this environment has. */
import { randomInt } from 'node:crypto'
import { notifyUrl } from '../../lib/config/orders.ts'
import { pushKey, pushToken } from '../../lib/config/push.ts'
import { signatureOf } from '../../lib/wechat/push/signature.ts'
import { ask } from './ask.ts'
import { isSet, type Check, type Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

const CONSOLE = 'mp.weixin.qq.com → 开发管理 → 开发设置 → 消息推送'
const NOT_TAKEN = 'WeChat’s messages are refused, and WeChat does not accept the address'
const SET_IT =
  'vercel.com → your project → Settings → Environment Variables: set WECHAT_PUSH_TOKEN to this value; then redeploy'

const verdicts = {
  accepted: { status: 'ok', what: 'the deployment accepts WECHAT_PUSH_TOKEN' },
  refused: {
    status: 'wrong',
    what: 'the deployment has another WECHAT_PUSH_TOKEN, or the clock of this machine is wrong',
    why: NOT_TAKEN,
    where: SET_IT,
  },
  not_set: {
    status: 'wrong',
    what: 'the deployment has no WECHAT_PUSH_TOKEN',
    why: NOT_TAKEN,
    where: SET_IT,
  },
  no_answer: {
    status: 'unknown',
    what: 'the deployment did not answer a check of message push',
    why: 'WECHAT_PUSH_TOKEN was not tested',
    where: 'PUBLIC_URL must be the address of this project: see Address',
  },
} as const satisfies Verdicts

const say = reporter('push', verdicts)

const hasToken = (env: Patient['env']): boolean => isSet(env, 'WECHAT_PUSH_TOKEN')

export const push: Check = {
  name: 'push',
  title: 'Message push',
  verdicts,
  settings: [
    {
      names: ['WECHAT_PUSH_TOKEN'],
      read: pushToken,
      need: 'feature',
      what: 'the Token of message push: 3 to 32 letters and digits',
      why: 'WeChat does not report settled and overdue orders: only cron finds them',
      where: `${CONSOLE}: invent a Token and enter the same there`,
    },
    {
      names: ['WECHAT_PUSH_KEY'],
      read: pushKey,
      need: 'advised',
      applies: hasToken,
      what: 'the EncodingAESKey of message push: 43 letters and digits',
      why: 'the content of a pushed message is neither encrypted nor signed',
      where: `${CONSOLE}: choose 安全模式, and copy EncodingAESKey`,
    },
  ],
  examine: async (patient) => (hasToken(patient.env) ? [await checkAddress(patient)] : []),
}

/** Does what WeChat does when the address is entered in the console. */
async function checkAddress({ env, limitMs }: Patient): Promise<Finding> {
  const [timestamp, nonce, echostr] = [
    String(Math.floor(Date.now() / 1000)),
    String(randomInt(10 ** 10)),
    String(randomInt(10 ** 10)),
  ]
  const signature = signatureOf([pushToken(env), timestamp, nonce])
  const query = new URLSearchParams({ signature, timestamp, nonce, echostr })
  const answer = await ask(`${notifyUrl(env)}?${query.toString()}`, { method: 'GET', limitMs })
  if ('cause' in answer) return say('no_answer')
  if (answer.status === 200 && answer.body === echostr) return say('accepted')
  if (answer.status === 400 && answer.body === 'not accepted') return say('refused')
  return answer.body.startsWith('WECHAT_PUSH_TOKEN ') ? say('not_set') : say('no_answer')
}
