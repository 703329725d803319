/**
 * The sample messages of `test/fixtures`, byte for byte. Every identity and key in them is
 * invented.
 */
import { readdirSync, readFileSync } from 'node:fs'
import * as v from 'valibot'
import type { PaySettings } from '../../lib/wechat/v2/keys.ts'

const folder = new URL('../fixtures/', import.meta.url)

/**
 * `valid` is true if the signature or the encryption is valid with `key`, false if the message must
 * be refused, and null if it is not signed.
 */
const index = v.object({
  samples: v.array(
    v.object({
      file: v.string(),
      kind: v.string(),
      signType: v.nullable(v.string()),
      key: v.nullable(v.string()),
      valid: v.nullable(v.boolean()),
    }),
  ),
})

export const sample = (file: string): Buffer => readFileSync(new URL(file, folder))

/** Reads a JSON sample and checks it against the schema. */
export const jsonSample = <S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S> =>
  v.parse(schema, JSON.parse(sample(file).toString('utf8')))

export const { samples } = jsonSample('index.json', index)

export const filesOnDisk = readdirSync(folder).filter((file) => file !== 'index.json')

/** The settings of the shop for which all samples were made. */
export const demoPay: PaySettings = {
  appid: 'wx00000000demo0001',
  mchId: '1900000109',
  key: 'DemoV2ApiKey00000000000000000001',
  signType: 'MD5',
  hosts: ['https://pay.example'],
}
