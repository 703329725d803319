/** The keys of WeChat in the state file. */
import * as v from 'valibot'

export const modes = ['public-key', 'certificates', 'change-over'] as const

const keySchema = v.object({
  serial: v.string(),
  /** In PEM. */
  privateKey: v.string(),
})

export const storedKeysSchema = v.object({
  /** The id of the public key in the settings. Null: the settings have none. */
  configuredId: v.nullable(v.string()),
  mode: v.picklist(modes),
  publicKeys: v.array(keySchema),
  certificates: v.array(
    v.object({
      ...keySchema.entries,
      pem: v.string(),
      effectiveAt: v.number(),
      expiresAt: v.number(),
    }),
  ),
})

export type StoredKeys = v.InferOutput<typeof storedKeysSchema>
