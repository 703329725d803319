/** The signed XML envelope of all pay operations: verifies requests and signs answers. */
import { randomBytes } from 'node:crypto'
import type { Result } from './result.ts'
import { isSigned, type Fields, type SignType } from './signature.ts'
import { readXml, writeXml, type Unreadable } from './xml.ts'
import type { Answer, Incoming } from './exchange.ts'
import type { Fault } from './faults.ts'
import { lacks, malformed, refusal, type Refusal } from './refusal.ts'
import { writeSigned } from './signed-message.ts'
import type { Account, Simulation } from './simulation.ts'

type Entries = readonly (readonly [name: string, value: string])[]

/**
 * One pay operation. Takes a verified request without its empty fields, and returns the fields it
 * adds to the answer.
 */
export type Operation = (
  simulation: Simulation,
  request: Fields,
  signType: SignType,
  fault: Fault | null,
) => Result<Entries, Refusal>

/** Wraps an operation in the envelope. */
export const enveloped =
  (operation: Operation) =>
  (simulation: Simulation, incoming: Incoming, fault: Fault | null): Answer => {
    const opened =
      fault?.do === 'return-fail'
        ? { returnMsg: fault.returnMsg }
        : open(simulation.account, incoming)
    if ('returnMsg' in opened)
      return xml(
        writeXml(
          new Map([
            ['return_code', 'FAIL'],
            ['return_msg', opened.returnMsg],
          ]),
        ),
      )
    const { request, signType } = opened
    const outcome = outcomeOf(operation, simulation, request, signType, fault)
    return xml(
      writeSigned(
        new Map([...header(request), ...outcome]),
        simulation.account.payKey,
        signType,
        fault,
      ),
    )
  }

const xml = (body: string): Answer => ({
  status: 200,
  contentType: 'text/xml; charset=utf-8',
  body,
})

const header = (request: Fields): Entries => [
  ['return_code', 'SUCCESS'],
  ['return_msg', 'OK'],
  ['appid', request.get('appid') ?? ''],
  ['mch_id', request.get('mch_id') ?? ''],
  ['nonce_str', randomBytes(8).toString('hex')],
]

function outcomeOf(
  operation: Operation,
  simulation: Simulation,
  request: Fields,
  signType: SignType,
  fault: Fault | null,
): Entries {
  if (fault?.do === 'err-code') return failed(refusal(fault.errCode, fault.errCodeDes))
  const refused = findBadCommonField(simulation.account, request)
  if (refused !== null) return failed(refused)
  const outcome = operation(simulation, request, signType, fault)
  return outcome.ok ? [['result_code', 'SUCCESS'], ...outcome.value] : failed(outcome.error)
}

const failed = ({ code, text }: Refusal): Entries => [
  ['result_code', 'FAIL'],
  ['err_code', code],
  ['err_code_des', text],
]

type Opened =
  | { readonly request: Fields; readonly signType: SignType }
  | { readonly returnMsg: string }

export const BAD_SIGNATURE = '签名错误'

const unreadable: Readonly<Record<Unreadable, string>> = {
  size: 'POST数据过长',
  encoding: '编码格式错误',
  syntax: 'XML格式错误',
}

/** Refusals are unsigned here, because the caller is not identified yet. */
export function open(account: Account, incoming: Incoming): Opened {
  if (incoming.method !== 'POST') return { returnMsg: '请使用post方法' }
  if (incoming.body.byteLength === 0) return { returnMsg: 'post数据为空' }
  const read = readXml(incoming.body)
  if (!read.ok) return { returnMsg: unreadable[read.error] }
  if (!/^wx[0-9A-Za-z]{16}$/.test(read.value.get('appid') ?? ''))
    return { returnMsg: 'appid参数格式错误' }
  if (!/^\d{8,10}$/.test(read.value.get('mch_id') ?? '')) return { returnMsg: 'mch_id参数格式错误' }
  const signType = signTypeOf(read.value)
  if (signType === null) return { returnMsg: '签名类型错误' }
  if (!isSigned(read.value, account.payKey, signType)) return { returnMsg: BAD_SIGNATURE }
  return { request: new Map([...read.value].filter(([, value]) => value !== '')), signType }
}

function signTypeOf(fields: Fields): SignType | null {
  const named = fields.get('sign_type') ?? ''
  if (named === '') return 'MD5'
  return named === 'MD5' || named === 'HMAC-SHA256' ? named : null
}

export function findBadCommonField(account: Account, request: Fields): Refusal | null {
  if (request.get('mch_id') !== account.mchId) return refusal('MCHID_NOT_EXIST')
  if (request.get('appid') !== account.appid) return refusal('APPID_NOT_EXIST')
  const nonce = request.get('nonce_str')
  if (nonce === undefined) return lacks('nonce_str')
  if (!/^[0-9A-Za-z]{1,32}$/.test(nonce)) return malformed('nonce_str')
  for (const [name, value] of request) {
    // WeChat stores at most three bytes a character.
    if (/[\u{10000}-\u{10ffff}]/u.test(value)) return refusal('NOT_UTF8')
    if (/\p{Cc}/u.test(value)) return malformed(name)
  }
  return null
}
