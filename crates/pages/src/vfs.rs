//! The layer itself: SQLite's calls for a database file, on their way to the operating system's layer.
//!
//! A file of ours is a small head, and behind it the file of the layer beneath, in the memory that SQLite gives for both. Files
//! other than databases (logs, journals) are opened by the layer beneath in that memory directly and never seen again here.
//!
//! SQLite uses one file from one thread at a time, under its connection's lock, and never after `xClose`.

use crate::page::{File, PAGE, RESERVED, is_sound, put_sum};
use rusqlite::ffi::{
    self, sqlite3_file as CFile, sqlite3_filename, sqlite3_int64, sqlite3_io_methods as Methods, sqlite3_vfs as Vfs,
};
use rusqlite::{Connection, OpenFlags};
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

const NAME: &CStr = c"jiaozi-pages";
/// Smaller pages do not exist: what is shorter is a look at the head.
const SHORTEST_PAGE: c_int = 512;
/// Asks a file of ours whether it has sums. SQLite leaves numbers from 100 on to layers like this one.
const ASK: c_int = 0x4a5a;

/// The head of a file of ours.
#[repr(C)]
struct Head {
    base: CFile,
    sums: File,
}

/// Where the file of the layer beneath begins; SQLite's memory is aligned to eight bytes.
const BENEATH: usize = size_of::<Head>().next_multiple_of(8);

thread_local! {
    static DAMAGED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The number of the page, from 1, for which this thread's last statement failed, if a damaged page was the reason. It is told once.
pub fn take_damaged() -> Option<u64> {
    DAMAGED.take()
}

/// Opens a database file: a new one gets sums, and those of one that has them are compared.
///
/// # Errors
/// When SQLite cannot open it.
pub fn open(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    if !registered() {
        let code = ffi::Error::new(ffi::SQLITE_NOTFOUND);
        return Err(rusqlite::Error::SqliteFailure(code, Some("SQLite has no layer for files".to_owned())));
    }
    let connection = Connection::open_with_flags_and_vfs(file, flags, NAME)?;
    let mut reserved = RESERVED as c_int;
    // SAFETY: the handle is open and not closed here; for this question SQLite wants a pointer to an int, and keeps none.
    let code = unsafe {
        let wanted = ptr::from_mut(&mut reserved).cast();
        ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_RESERVE_BYTES, wanted)
    };
    if code == ffi::SQLITE_OK {
        Ok(connection)
    } else {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }
}

/// Whether the file of a connection that [`open`] opened has sums. One that was made without them, by an older version, has not.
#[must_use]
pub fn has_sums(connection: &Connection) -> bool {
    let mut has = 0_i32;
    // SAFETY: the handle is open; the question is answered by `control` below, which takes a pointer to an int and keeps none.
    let code = unsafe {
        ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), ASK, ptr::from_mut(&mut has).cast())
    };
    code == ffi::SQLITE_OK && has == 1
}

/// The layers of this process: ours, and the one beneath it. SQLite keeps the address of ours.
struct Layers {
    ours: Vfs,
    beneath: *mut Vfs,
}

// SAFETY: both are written before anybody else sees them, and then only read; the layer beneath lives as long as the process
// and is made to be used by all threads.
unsafe impl Send for Layers {}
// SAFETY: as above.
unsafe impl Sync for Layers {}

static LAYERS: OnceLock<Option<Layers>> = OnceLock::new();

/// Registers the layer, once in a process. False when SQLite has none beneath.
fn registered() -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    let layers = LAYERS.get_or_init(|| {
        // SAFETY: asks for the default layer, whose description SQLite never frees.
        let beneath = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        // SAFETY: it is either null or valid for reading, and nobody changes it but by registering layers.
        let known = unsafe { beneath.as_ref() }?;
        // All but opening is done by the functions beneath. They work under any description like their own, as SQLite's
        // ("unix", "unix-excl", …) share them.
        let mut ours = *known;
        ours.szOsFile += BENEATH as c_int;
        ours.pNext = ptr::null_mut();
        ours.zName = NAME.as_ptr();
        ours.xOpen = Some(open_file);
        Some(Layers { ours, beneath })
    });
    let Some(layers) = layers else { return false };
    *DONE.get_or_init(|| {
        let ours = ptr::from_ref(&layers.ours).cast_mut();
        // SAFETY: the description is static. SQLite writes only its `pNext`, under its own lock, and nobody here reads that.
        unsafe { ffi::sqlite3_vfs_register(ours, 0) == ffi::SQLITE_OK }
    })
}

/// The file of the layer beneath.
///
/// # Safety
/// `file` is the memory of a file of ours.
unsafe fn beneath(file: *mut CFile) -> *mut CFile {
    // SAFETY: that memory is as long as `szOsFile` says, which counts the head and what is behind it.
    unsafe { file.byte_add(BENEATH) }
}

unsafe extern "C" fn open_file(
    _: *mut Vfs,
    name: sqlite3_filename,
    file: *mut CFile,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(Some(layers)) = LAYERS.get() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: SQLite hands in memory of `szOsFile` bytes, which is enough for a file beneath at either place, and names, flags and
    // an address for flags that are good for any layer. A file that was not opened must not be closed: it has no methods.
    unsafe {
        let Some(open) = (*layers.beneath).xOpen else { return ffi::SQLITE_CANTOPEN };
        if flags & ffi::SQLITE_OPEN_MAIN_DB == 0 {
            return open(layers.beneath, name, file, flags, out);
        }
        (*file).pMethods = ptr::null();
        (*beneath(file)).pMethods = ptr::null();
        let code = open(layers.beneath, name, beneath(file), flags, out);
        if code == ffi::SQLITE_OK {
            file.cast::<Head>().write(Head { base: CFile { pMethods: &raw const METHODS }, sums: File::New });
        } else if !(*beneath(file)).pMethods.is_null() {
            close(file);
        }
        code
    }
}

/// Methods of a file of ours. The version without memory mapping: a mapped page would be read past us.
static METHODS: Methods = Methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Methods that the layer beneath carries out.
macro_rules! beneath {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)*) => { $(
        unsafe extern "C" fn $name(file: *mut CFile $(, $argument: $type)*) -> c_int {
            // SAFETY: SQLite calls a method with a file that `open_file` opened and that is not closed, and with arguments
            // that are good for any layer; so the file beneath is open and has methods.
            unsafe {
                let file = beneath(file);
                (*(*file).pMethods).$method.map_or(ffi::SQLITE_IOERR, |method| method(file $(, $argument)*))
            }
        }
    )* };
}

beneath! {
    close = xClose();
    read_beneath = xRead(buffer: *mut c_void, amount: c_int, offset: sqlite3_int64);
    write_beneath = xWrite(buffer: *const c_void, amount: c_int, offset: sqlite3_int64);
    truncate_beneath = xTruncate(size: sqlite3_int64);
    sync = xSync(flags: c_int);
    file_size = xFileSize(size: *mut sqlite3_int64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(found: *mut c_int);
    control_beneath = xFileControl(question: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    characteristics_beneath = xDeviceCharacteristics();
    shm_map = xShmMap(number: c_int, size: c_int, extend: c_int, found: *mut *mut c_void);
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut CFile) {
    // SAFETY: as of the other methods.
    unsafe {
        let file = beneath(file);
        if let Some(barrier) = (*(*file).pMethods).xShmBarrier {
            barrier(file);
        }
    }
}

/// The number of the page, from 1, if a read or write is one of a whole page.
fn page_at(amount: c_int, offset: sqlite3_int64) -> Option<u64> {
    let offset = u64::try_from(offset).ok()?;
    let whole = usize::try_from(amount) == Ok(PAGE) && offset.is_multiple_of(PAGE as u64);
    whole.then_some(offset / PAGE as u64 + 1)
}

/// Whether the file has sums; its first page is looked at until there is one.
///
/// # Safety
/// `file` is an open file of ours.
unsafe fn sums_of(file: *mut CFile) -> File {
    let head = file.cast::<Head>();
    // SAFETY: `open_file` wrote the head; nobody else has the file meanwhile.
    let known = unsafe { (*head).sums };
    if known != File::New {
        return known;
    }
    let mut first = [0_u8; PAGE];
    // SAFETY: the file is open, and as many bytes are read as there is room for.
    let code = unsafe { read_beneath(file, first.as_mut_ptr().cast(), PAGE as c_int, 0) };
    if code != ffi::SQLITE_OK {
        return File::New;
    }
    let found = File::of(&first);
    // SAFETY: as above.
    unsafe { (*head).sums = found };
    found
}

fn damaged(page: u64) -> c_int {
    DAMAGED.set(Some(page));
    ffi::SQLITE_CORRUPT
}

unsafe extern "C" fn read(file: *mut CFile, buffer: *mut c_void, amount: c_int, offset: sqlite3_int64) -> c_int {
    // SAFETY: SQLite's own call, handed down.
    let code = unsafe { read_beneath(file, buffer, amount, offset) };
    if !matches!(code, ffi::SQLITE_OK | ffi::SQLITE_IOERR_SHORT_READ) || amount < SHORTEST_PAGE || is_unseen() {
        return code;
    }
    // SAFETY: the file is an open one of ours.
    if unsafe { sums_of(file) } != File::Summed {
        return code;
    }
    let near = u64::try_from(offset).unwrap_or(0) / PAGE as u64 + 1;
    // A page that the file ends before was never written to it: then it is in the log, and is not asked for here.
    let Some(number) = page_at(amount, offset).filter(|_| code == ffi::SQLITE_OK) else { return damaged(near) };
    // SAFETY: the buffer has `amount` bytes, which are as many as a page has, and the call beneath has filled all of them; bytes need no
    // alignment.
    let page = unsafe { &*buffer.cast::<[u8; PAGE]>() };
    if is_sound(number, page) { code } else { damaged(number) }
}

unsafe extern "C" fn write(file: *mut CFile, buffer: *const c_void, amount: c_int, offset: sqlite3_int64) -> c_int {
    // SAFETY: the file is an open one of ours.
    let sums = unsafe { sums_of(file) };
    let Some(number) = page_at(amount, offset) else {
        // Part of a page would leave its sum behind.
        return if sums == File::Bare {
            // SAFETY: SQLite's own call, handed down.
            unsafe { write_beneath(file, buffer, amount, offset) }
        } else {
            ffi::SQLITE_IOERR_WRITE
        };
    };
    // SAFETY: SQLite hands in `amount` bytes to write, as many as a page has. They are copied: what is in its memory is its own.
    let mut page = unsafe { *buffer.cast::<[u8; PAGE]>() };
    // A file begins with room for sums or has none for ever. Whatever would make it neither is refused, before it would be
    // written over with sums, or taken for damaged.
    if number == 1 && File::says(&page) == (sums == File::Bare) {
        return ffi::SQLITE_IOERR_WRITE;
    }
    if sums != File::Bare {
        put_sum(number, &mut page);
    }
    // SAFETY: the file is open, and the page is there until the call returns.
    unsafe { write_beneath(file, page.as_ptr().cast(), amount, offset) }
}

unsafe extern "C" fn truncate(file: *mut CFile, size: sqlite3_int64) -> c_int {
    // SAFETY: SQLite's own call, handed down.
    let code = unsafe { truncate_beneath(file, size) };
    if code == ffi::SQLITE_OK && size == 0 {
        // A beginning that was undone.
        // SAFETY: `open_file` wrote the head; nobody else has the file meanwhile.
        unsafe { (*file.cast::<Head>()).sums = File::New };
    }
    code
}

unsafe extern "C" fn control(file: *mut CFile, question: c_int, argument: *mut c_void) -> c_int {
    if question != ASK {
        // SAFETY: SQLite's own call, handed down.
        return unsafe { control_beneath(file, question, argument) };
    }
    // SAFETY: the file is an open one of ours, and only `has_sums` asks this, with a pointer to an int.
    unsafe { argument.cast::<c_int>().write(c_int::from(sums_of(file) != File::Bare)) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn device_characteristics(file: *mut CFile) -> c_int {
    // SAFETY: SQLite's own call, handed down.
    let found = unsafe { characteristics_beneath(file) };
    // Or parts of pages would be read, which nobody can compare.
    found & !ffi::SQLITE_IOCAP_SUBPAGE_READ
}

/// The defect: sums are not compared. Always false but in a build for that.
fn is_unseen() -> bool {
    #[cfg(feature = "seeded-defects")]
    {
        static UNSEEN: OnceLock<bool> = OnceLock::new();
        *UNSEEN.get_or_init(|| std::env::var_os("JIAOZI_DEFECT").is_some_and(|defect| defect == "no-sums"))
    }
    #[cfg(not(feature = "seeded-defects"))]
    false
}
