/** A flat WeChat message: WeChat's own field names, and values as text. */
export type Fields = ReadonlyMap<string, string>
