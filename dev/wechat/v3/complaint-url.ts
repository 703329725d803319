/** The URL that WeChat notifies of complaints. A merchant has one. */
import * as v from 'valibot'
import { err, ok } from '../result.ts'
import { readBody } from './body.ts'
import type { V3Operation } from './call.ts'
import { notifyUrlSchema } from './prepay.ts'
import { refuse } from './refusal.ts'

const urlSchema = v.strictObject({ url: notifyUrlSchema })

const MISSING = refuse('RESOURCE_NOT_EXISTS', { message: '投诉通知回调地址不存在' })

export const createComplaintUrl: V3Operation = ({ simulation, incoming }) => {
  const read = readBody(urlSchema, incoming)
  if (!read.ok) return read
  const { account, state } = simulation
  if (state.complaintUrl !== null)
    return err(refuse('RESOURCE_ALREADY_EXISTS', { message: '投诉通知回调地址已存在' }))
  state.complaintUrl = read.value.url
  return ok({ mchid: account.mchId, url: read.value.url })
}

export const findComplaintUrl: V3Operation = ({ simulation: { account, state } }) =>
  state.complaintUrl === null ? err(MISSING) : ok({ mchid: account.mchId, url: state.complaintUrl })

export const changeComplaintUrl: V3Operation = ({ simulation, incoming }) => {
  const read = readBody(urlSchema, incoming)
  if (!read.ok) return read
  const { account, state } = simulation
  if (state.complaintUrl === null) return err(MISSING)
  state.complaintUrl = read.value.url
  return ok({ mchid: account.mchId, url: read.value.url })
}

export const deleteComplaintUrl: V3Operation = ({ simulation: { state } }) => {
  if (state.complaintUrl === null) return err(MISSING)
  state.complaintUrl = null
  return ok(null)
}
