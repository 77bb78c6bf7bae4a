// Files dropped anywhere on the page go to the folder that is shown, on a folder into that one.

const shade = document.getElementById('drop')
const where = shade.querySelector('b')

/**
 * @param current the folder that is shown
 * @param take called with the files, the names of what is none, and the folder
 */
export function startDrop({ current, take }) {
  let marked

  function mark(target) {
    marked?.classList.remove('target')
    marked = target
    marked?.classList.add('target')
  }
  function stop() {
    mark(undefined)
    shade.hidden = true
  }
  const isWanted = ({ dataTransfer }) =>
    dataTransfer.types.includes('Files') && document.querySelector('dialog[open]') === null

  document.addEventListener('dragover', (event) => {
    if (!isWanted(event)) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    const target = event.target.closest('[data-folder]') ?? undefined
    if (target !== marked) mark(target)
    where.textContent = nameOf(target?.dataset.folder ?? current())
    shade.hidden = false
  })
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) stop()
  })
  document.addEventListener('drop', (event) => {
    if (!isWanted(event)) return
    event.preventDefault()
    const folder = event.target.closest('[data-folder]')?.dataset.folder ?? current()
    stop()
    take({ ...readable(event.dataTransfer), folder })
  })
}

/** A folder of the reader's computer comes as a file that cannot be read. */
function readable({ items, files }) {
  const folders = [...items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => item.webkitGetAsEntry?.())
    .filter((entry) => entry?.isDirectory)
    .map(({ name }) => name)
  return { files: [...files].filter(({ name }) => !folders.includes(name)), folders }
}

function nameOf(folder) {
  return folder === '/' ? 'Files' : folder
}
