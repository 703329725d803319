/** Reads the body of a request as strictly as WeChat, and names the first wrong field. */
import * as v from 'valibot'
import { err, ok, type Result } from '../result.ts'
import { findRepeatedKey } from '../repeated-key.ts'
import type { Incoming } from '../exchange.ts'
import { badParameter, refuse, type V3Refusal } from './refusal.ts'

export function readBody<const S extends v.GenericSchema>(
  schema: S,
  { headers, body }: Incoming,
): Result<v.InferOutput<S>, V3Refusal> {
  if (!/^application\/json(?:;|$)/i.test(headers.get('content-type') ?? ''))
    return err(badParameter('Content-Type', '请使用application/json', 'header'))
  const parsed = parseJson(body)
  if (parsed === undefined) return err(refuse('PARAM_ERROR', { message: '请求体不是合法的JSON' }))
  const forbidden = findForbidden(parsed, '')
  if (forbidden !== null) return err(forbidden)
  const read = v.safeParse(schema, parsed)
  if (read.success) return ok(read.output)
  const [issue] = read.issues
  const field = (issue.path ?? []).map(({ key }) => `/${String(key)}`).join('')
  return err(badParameter(field === '' ? '/' : field, describe(issue)))
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const parsed: unknown = JSON.parse(text)
    return findRepeatedKey(text) === null ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Null and characters of four bytes are refused everywhere, also in fields that are not known. */
function findForbidden(value: unknown, field: string): V3Refusal | null {
  if (value === null) return badParameter(field, '参数不能为null')
  if (typeof value === 'string')
    return /[\u{10000}-\u{10ffff}\p{Cs}]/u.test(value)
      ? badParameter(field, '字符编码超出UTF-8三字节范围')
      : null
  if (typeof value !== 'object') return null
  for (const [name, inner] of Object.entries(value)) {
    const found = findForbidden(name, field) ?? findForbidden(inner, `${field}/${name}`)
    if (found !== null) return found
  }
  return null
}

function describe({ message, expected, received }: v.BaseIssue<unknown>): string {
  if (!message.startsWith('Invalid ')) return message
  if (expected === 'never') return '存在未定义的参数'
  return received === 'undefined' ? '缺少必填参数' : `类型错误，应为${expected ?? ''}`
}

/** In characters, of which each has at most three bytes. */
export const text = (most: number) =>
  v.pipe(v.string(), v.minLength(1, '长度不足'), v.maxLength(most, `长度超过${most}`))

export const wholeNumber = (least: number) =>
  v.pipe(v.number(), v.safeInteger('不是整数'), v.minValue(least, `数值小于最小值${least}`))

export const goods = <const E extends v.ObjectEntries>(more: E) =>
  v.array(
    v.strictObject({
      merchant_goods_id: text(32),
      wechatpay_goods_id: v.exactOptional(text(32)),
      goods_name: v.exactOptional(text(256)),
      unit_price: wholeNumber(0),
      ...more,
    }),
  )
