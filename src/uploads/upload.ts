import { idKind } from '../kit/ids.ts'

export const UploadId = idKind('upl')

/** How long an upload's URL is good (contract abeja 4.2). */
export const UPLOAD_SECONDS = 3_600

/** Where an upload's bytes go. The name at the end is what old clients expect of a source archive's URL. */
export const uploadPath = (id: string): string => `/uploads/${UploadId.text(id)}/source.tgz`

/** Storage key of an upload that is not anything's archive yet. */
export const uploadKey = (id: string): string => `uploads/${id}`
