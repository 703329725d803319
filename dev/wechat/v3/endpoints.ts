/** The paths of APIv3. A call has the same fault target as the call of v2 for the same job. */
import type { Endpoint } from '../exchange.ts'
import type { V3 } from './account.ts'
import { downloadFile, requestBill } from './bill.ts'
import { applyAbnormalRefund } from './abnormal-refund.ts'
import { unsignedCall, v3Call, v3Calls } from './call.ts'
import { listCertificates } from './certificates.ts'
import {
  complete,
  decideRefund,
  findComplaint,
  listComplaints,
  listHistory,
  respond,
} from './complaint-calls.ts'
import {
  changeComplaintUrl,
  createComplaintUrl,
  deleteComplaintUrl,
  findComplaintUrl,
} from './complaint-url.ts'
import { echo } from './echo.ts'
import { close, queryByOrderNumber, queryByTransaction } from './orders.ts'
import { prepay } from './prepay.ts'
import { queryRefund, requestRefund } from './refunds.ts'

const ORDERS = '/v3/pay/transactions'
const REFUNDS = '/v3/refund/domestic/refunds'
const COMPLAINTS = '/v3/merchant-service/complaints-v2'

export const v3Endpoints = (v3: V3): readonly Endpoint[] => [
  ...payEndpoints(v3),
  ...complaintEndpoints(v3),
]

const payEndpoints = (v3: V3): readonly Endpoint[] => [
  { path: `${ORDERS}/jsapi`, faultTarget: 'unifiedorder', answer: v3Call(v3, 'POST', prepay) },
  {
    path: `${ORDERS}/out-trade-no/:out_trade_no`,
    faultTarget: 'orderquery',
    answer: v3Call(v3, 'GET', queryByOrderNumber),
  },
  {
    path: `${ORDERS}/id/:transaction_id`,
    faultTarget: 'orderquery',
    answer: v3Call(v3, 'GET', queryByTransaction),
  },
  {
    path: `${ORDERS}/out-trade-no/:out_trade_no/close`,
    faultTarget: 'closeorder',
    answer: v3Call(v3, 'POST', close),
  },
  { path: REFUNDS, faultTarget: 'refund', answer: v3Call(v3, 'POST', requestRefund) },
  {
    path: `${REFUNDS}/:out_refund_no`,
    faultTarget: 'refundquery',
    answer: v3Call(v3, 'GET', queryRefund),
  },
  {
    path: `${REFUNDS}/:refund_id/apply-abnormal-refund`,
    faultTarget: 'abnormal-refund',
    answer: v3Call(v3, 'POST', applyAbnormalRefund),
  },
  {
    path: '/v3/bill/tradebill',
    faultTarget: 'downloadbill',
    answer: v3Call(v3, 'GET', requestBill),
  },
  {
    path: '/v3/billdownload/file',
    faultTarget: 'billfile',
    answer: unsignedCall(v3, downloadFile),
  },
  {
    path: '/v3/certificates',
    faultTarget: 'certificates',
    answer: v3Call(v3, 'GET', listCertificates),
  },
  { path: '/v3/security/echo', faultTarget: 'echo', answer: v3Call(v3, 'POST', echo) },
]

const complaintEndpoints = (v3: V3): readonly Endpoint[] => [
  { path: COMPLAINTS, faultTarget: 'complaint-query', answer: v3Call(v3, 'GET', listComplaints) },
  {
    path: `${COMPLAINTS}/:complaint_id`,
    faultTarget: 'complaint-query',
    answer: v3Call(v3, 'GET', findComplaint),
  },
  {
    path: `${COMPLAINTS}/:complaint_id/negotiation-historys`,
    faultTarget: 'complaint-query',
    answer: v3Call(v3, 'GET', listHistory),
  },
  {
    path: `${COMPLAINTS}/:complaint_id/response`,
    faultTarget: 'complaint-action',
    answer: v3Call(v3, 'POST', respond),
  },
  {
    path: `${COMPLAINTS}/:complaint_id/complete`,
    faultTarget: 'complaint-action',
    answer: v3Call(v3, 'POST', complete),
  },
  {
    path: `${COMPLAINTS}/:complaint_id/update-refund-progress`,
    faultTarget: 'complaint-action',
    answer: v3Call(v3, 'POST', decideRefund),
  },
  {
    path: '/v3/merchant-service/complaint-notifications',
    faultTarget: 'complaint-url',
    answer: v3Calls(v3, {
      GET: findComplaintUrl,
      POST: createComplaintUrl,
      PUT: changeComplaintUrl,
      DELETE: deleteComplaintUrl,
    }),
  },
]
