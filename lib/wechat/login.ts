/** Exchanges a login code for an identity. `session_key` never leaves this file. */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import { parseOpenid } from '../core/ids.ts'
import { parsed } from '../validation/parsed.ts'
import { err, ok, type Result } from '../core/result.ts'
import { parseText } from '../validation/text.ts'
import { sendRequest } from '../http-client/send-request.ts'
import { startBudget } from '../http-client/time-budget.ts'
import type { Identity, LoginRequest } from '../ports.ts'
import { CALL_MS } from './deadlines.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { isRightlySigned, openData } from './user-data.ts'

export interface MiniProgramSettings {
  readonly appid: string
  readonly secret: string
  readonly host: string
}

/** WeChat sends JSON as `text/plain`, so the content type is ignored. */
const session = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    openid: v.optional(v.string()),
    session_key: v.optional(v.string()),
    unionid: v.optional(parsed(v.string(), parseText, 'text')),
    errcode: v.optional(v.number(), 0),
    errmsg: v.optional(v.string(), ''),
  }),
)

const BUSY = -1
const CODE_USED = 40163
const PAUSE_WHEN_BUSY_MS = 300

/** The text advises to compare first, because a reset breaks every system that uses the secret. */
export const SECRET_WRONG =
  'WECHAT_APP_SECRET is wrong: compare it with what your other systems use and with WECHAT_PAY_KEY, which it may be swapped with; reset it only if it is lost'

/** Codes of `jscode2session`. */
const failures: ReadonlyMap<number, Failure> = new Map<number, Failure>([
  [BUSY, { reason: 'wechat_busy' }],
  [40029, { reason: 'login_code_invalid' }],
  [CODE_USED, { reason: 'login_code_used' }],
  [40226, { reason: 'login_blocked' }],
  [44990, { reason: 'wechat_busy' }],
  [45009, { reason: 'wechat_busy' }],
  [45011, { reason: 'too_many_requests', retryAfterSeconds: 60 }],
  [
    40013,
    { reason: 'wechat_misconfigured', code: '40013', remedy: 'WeChat does not know WECHAT_APPID' },
  ],
  [40001, { reason: 'wechat_misconfigured', code: '40001', remedy: SECRET_WRONG }],
  [40125, { reason: 'wechat_misconfigured', code: '40125', remedy: SECRET_WRONG }],
  [
    40243,
    {
      reason: 'wechat_misconfigured',
      code: '40243',
      remedy: 'the AppSecret is frozen: unfreeze it in the Mini Program console',
    },
  ],
  [
    40164,
    {
      reason: 'wechat_misconfigured',
      code: '40164',
      remedy:
        'the Mini Program only takes calls from listed addresses: switch its IP allow-list off',
    },
  ],
])

/**
 * For a code that is not in the table: this login fails and nothing is stored. The user may try
 * again with a new login code.
 */
export const unknownCode = (errcode: number, text: string): Failure => ({
  reason: 'wechat_refused',
  code: String(errcode),
  text,
})

export async function logIn(
  settings: MiniProgramSettings,
  request: LoginRequest,
): Promise<Result<Identity, Failure>> {
  const answer = await exchangeCode(settings, request.code)
  if (!answer.ok) return answer
  const openid = parseOpenid(answer.value.openid ?? '')
  const sessionKey = answer.value.session_key ?? ''
  if (!openid.ok || sessionKey === '') return err({ reason: 'wechat_untrusted', check: 'content' })

  const { rawData, signature, encryptedData, iv } = request
  let unionid = answer.value.unionid ?? null
  if (rawData !== undefined || signature !== undefined) {
    if (!isRightlySigned(rawData ?? '', signature ?? '', sessionKey))
      return err({ reason: 'invalid_user_data' })
  }
  if (encryptedData !== undefined || iv !== undefined) {
    const opened = openData(encryptedData ?? '', iv ?? '', sessionKey, settings.appid)
    if (opened === null || (opened.openId ?? openid.value) !== openid.value)
      return err({ reason: 'invalid_user_data' })
    // The cipher is not authenticated. A payer who tampers with it can create a field only by
    // destroying another one, so a `unionId` counts only if `openId` is still there.
    if (opened.openId !== undefined) unionid ??= opened.unionId ?? null
  }
  return ok({ appid: settings.appid, openid: openid.value, unionid })
}

/**
 * Repeats the call once if WeChat answers that it is busy, because it has not used up the code
 * then.
 */
async function exchangeCode(
  settings: MiniProgramSettings,
  code: string,
): Promise<Result<v.InferOutput<typeof session>, Failure>> {
  const left = startBudget(CALL_MS)
  const query = new URLSearchParams({
    appid: settings.appid,
    secret: settings.secret,
    js_code: code,
    grant_type: 'authorization_code',
  })
  for (let repeat = 0; ; repeat += 1) {
    let wasSentTwice = false
    const answer = await sendRequest({
      spanName: 'wechat /sns/jscode2session',
      method: 'GET',
      url: `${settings.host}/sns/jscode2session?${query.toString()}`,
      deadlineMs: left(),
      maxBytes: 16_384,
      // WeChat exchanges a code once, and says so if it is sent again.
      isRepeatable: true,
      onRepeat: () => (wasSentTwice = true),
    })
    if ('why' in answer) return err({ reason: 'wechat_unknown', silence: answer })
    const read = v.safeParse(session, Buffer.from(answer.bytes).toString('utf8'))
    if (!read.success) return err({ reason: 'wechat_untrusted', check: 'syntax' })
    const { errcode, errmsg } = read.output
    if (errcode === 0) return ok(read.output)
    // The first copy may have used up the code.
    if (wasSentTwice && errcode === CODE_USED) return err({ reason: 'wechat_unknown' })
    if (errcode !== BUSY || repeat > 0 || left() < 2 * PAUSE_WHEN_BUSY_MS) {
      const text = cleanRefusalText(errmsg, [settings.secret, code])
      const known = failures.get(errcode) ?? unknownCode(errcode, text)
      return err(known.reason === 'wechat_misconfigured' ? { ...known, text } : known)
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_WHEN_BUSY_MS))
  }
}
