/** WeChat's signature by its rule and nothing else: what everybody's result is held against, and what the bare hash hashes. */
import { createHmac, hash } from 'node:crypto'
import type { SignType } from '../../lib/wechat/v2/sign.ts'

/** The fields in order of their names, then the key. */
export function textToSign(fields: Readonly<Record<string, string>>, key: string): string {
  const pairs = Object.entries(fields).filter(
    ([name, value]) => name !== 'sign' && name !== 'paySign' && value !== '',
  )
  return [...pairs.map((pair) => pair.join('=')).toSorted(), `key=${key}`].join('&')
}

export const hashText = (text: string, key: string, type: SignType): string =>
  (type === 'MD5'
    ? hash('md5', text, 'hex')
    : createHmac('sha256', key).update(text).digest('hex')
  ).toUpperCase()
