import { z } from 'zod'

/** An extension, with or without capitals. */
export const FileType = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9]{1,10}$/)

/** An address from the editor; where it leads is checked before anything is fetched. */
export const Address = z.string().trim().min(1).max(8192)

/** A title or a path from the editor. */
export const FileName = z.string().trim().min(1).max(2000)
