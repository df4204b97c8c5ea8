//! An ext4 of its own on a loop device, whose power can be cut: what was not synced is gone.
//!
//! Needs root and a free loop device; [`LoopDisk::make`] says so where there is none, and the caller reports its
//! run as not qualified.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `EXT4_IOC_SHUTDOWN`: _IOR('X', 125, __u32).
const SHUTDOWN: rustix::ioctl::Opcode = rustix::ioctl::opcode::read::<u32>(b'X', 125);
/// Nothing that is not on the device yet gets there, the journal included.
const NOLOGFLUSH: u32 = 2;

/// See the module. Dropping it unmounts and removes everything.
#[derive(Debug)]
pub struct LoopDisk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl LoopDisk {
    /// Makes a filesystem of `bytes` below `dir` and mounts it.
    ///
    /// # Errors
    /// What the tools say; mostly that this is not root, or that there is no loop device.
    pub fn make(dir: &Path, bytes: u64) -> io::Result<Self> {
        let image = dir.join("disk.img");
        File::create(&image)?.set_len(bytes)?;
        run(Command::new("mkfs.ext4").arg("-q").arg("-F").arg(&image))?;
        let mount = dir.join("disk");
        std::fs::create_dir_all(&mount)?;
        let mut disk = Self {
            image,
            mount,
            mounted: false,
        };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Cuts the power: from now on every access fails, and what was not durable is gone. Whoever uses the
    /// filesystem must let go of it before [`LoopDisk::restart`].
    ///
    /// # Errors
    /// When the filesystem refuses.
    pub fn cut_power(&self) -> io::Result<()> {
        let dir = File::open(&self.mount)?;
        // SAFETY: the request reads one u32 from the pointer that `Setter` passes; the descriptor is open.
        #[expect(unsafe_code, reason = "the standard library has no call for it")]
        let outcome = unsafe {
            let shutdown = rustix::ioctl::Setter::<SHUTDOWN, u32>::new(NOLOGFLUSH);
            rustix::ioctl::ioctl(&dir, shutdown)
        };
        Ok(outcome?)
    }

    /// Mounts it again after a cut.
    ///
    /// # Errors
    /// What the tools say; `umount` refuses while a file of it is open.
    pub fn restart(&mut self) -> io::Result<()> {
        self.unmount()?;
        self.mount()
    }

    fn mount(&mut self) -> io::Result<()> {
        let mut mount = Command::new("mount");
        run(mount.args(["-o", "loop"]).arg(&self.image).arg(&self.mount))?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> io::Result<()> {
        if self.mounted {
            run(Command::new("umount").arg(&self.mount))?;
            self.mounted = false;
        }
        Ok(())
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        if self.unmount().is_err() {
            // Somebody still has a file open: the last close frees it.
            let _ = run(Command::new("umount").arg("-l").arg(&self.mount));
        }
        let _ = std::fs::remove_file(&self.image);
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{command:?}: {said}")))
}
