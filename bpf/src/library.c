// SPDX-License-Identifier: MIT
#include "library.h"

#include <fcntl.h>
#include <gelf.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#endif

/* glibc before 2.34 has POSIX AIO in a library of its own */
static const char *const NAMES[] = { "libc.so.6", "librt.so.1" };

static Elf *open_elf(const char *path, int *fd)
{
	GElf_Ehdr header;
	Elf *elf = NULL;

	elf_version(EV_CURRENT);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		elf = elf_begin(*fd, ELF_C_READ_MMAP, NULL);
	if (elf && gelf_getehdr(elf, &header) && header.e_machine == THIS_MACHINE && gelf_getclass(elf) == ELFCLASS64)
		return elf;
	elf_end(elf);
	if (*fd >= 0)
		close(*fd);
	return NULL;
}

static void close_elf(Elf *elf, int fd)
{
	elf_end(elf);
	close(fd);
}

/* Turns an address of the program into an offset of its file. */
static bool file_offset(Elf *elf, uint64_t address, uint64_t *offset)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, i, &header) || header.p_type != PT_LOAD || !(header.p_flags & PF_X) ||
		    address < header.p_vaddr || address >= header.p_vaddr + header.p_filesz)
			continue;
		*offset = address - header.p_vaddr + header.p_offset;
		return true;
	}
	return false;
}

static bool is_function(const char *name, const char *function)
{
	size_t size = strlen(function);

	return name && strncmp(name, function, size) == 0 && (name[size] == 0 || strcmp(name + size, "64") == 0);
}

static void look_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, const char *function, uint64_t *offsets, int *found)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; i < count && *found < MOST_OFFSETS; i++) {
		uint64_t offset;
		if (!gelf_getsym(data, i, &symbol) || GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF ||
		    !is_function(elf_strptr(elf, header->sh_link, symbol.st_name), function) ||
		    !file_offset(elf, symbol.st_value, &offset))
			continue;
		int known = 0;
		while (known < *found && offsets[known] != offset)
			known++;
		if (known == *found)
			offsets[(*found)++] = offset;
	}
}

int library_offsets(const char *path, const char *function, uint64_t offsets[MOST_OFFSETS])
{
	int fd, found = 0;
	Elf *elf = open_elf(path, &fd);
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while (elf && (section = elf_nextscn(elf, section)))
		/* a static program has only the latter, if that */
		if (gelf_getshdr(section, &header) && (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB))
			look_in(elf, section, &header, function, offsets, &found);
	if (elf)
		close_elf(elf, fd);
	return found;
}

/* The program's interpreter; false when it is static, or no program. */
static bool interpreter(const char *path, char *text, size_t size)
{
	int fd;
	Elf *elf = open_elf(path, &fd);
	GElf_Phdr header;
	size_t count;
	bool found = false;

	if (!elf)
		return false;
	if (elf_getphdrnum(elf, &count) != 0)
		count = 0;
	for (size_t i = 0; i < count && !found; i++) {
		if (!gelf_getphdr(elf, i, &header) || header.p_type != PT_INTERP || header.p_filesz == 0 || header.p_filesz > size)
			continue;
		found = pread(fd, text, header.p_filesz, header.p_offset) == (ssize_t)header.p_filesz &&
			text[header.p_filesz - 1] == 0 && text[0] == '/';
	}
	close_elf(elf, fd);
	return found;
}

/* Opens a file of the tree below `root` as a process sees it whose root that is: links, too, stay inside. */
static int open_in(int root, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Shows the visitor a file, under a path that names it whatever its own root is. */
static void show(int fd, library_visitor visit, void *context)
{
	char path[64];

	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	visit(context, path);
	close(fd);
}

/* The libraries beside an interpreter, and the interpreter itself, which is the whole library with musl. */
static void beside(int root, const char *interp, library_visitor visit, void *context)
{
	char link[64], path[PATH_MAX], library[PATH_MAX + 32];
	int fd = open_in(root, interp);

	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof(path) - 1);
	show(fd, visit, context);
	if (size <= 0)
		return;
	path[size] = 0;
	const char *folder = dirname(path);
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		snprintf(library, sizeof(library), "%s/%s", folder, NAMES[i]);
		show(open_in(root, library), visit, context);
	}
}

void library_default(library_visitor visit, void *context)
{
	static const char *const interps[] = {
#if defined(__x86_64__)
		"/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1",
#elif defined(__aarch64__)
		"/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1",
#endif
	};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(interps) / sizeof(interps[0]); i++)
		beside(root, interps[i], visit, context);
	close(root);
}

static bool is_library(const char *path)
{
	const char *name = strrchr(path, '/');
	static const char *const prefixes[] = { "libc.so", "libc-", "librt.so", "librt-", "ld-musl-" };

	for (size_t i = 0; name && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name + 1, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

void library_of_process(pid_t pid, library_visitor visit, void *context)
{
	char path[64], line[PATH_MAX + 128], interp[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (interpreter(path, interp, sizeof(interp)))
		beside(root, interp, visit, context);
	else
		visit(context, path);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		char *name = strchr(line, '/');
		if (!name)
			continue;
		name[strcspn(name, "\n")] = 0;
		if (is_library(name))
			show(open_in(root, name), visit, context);
	}
	if (maps)
		fclose(maps);
	close(root);
}

static bool read_build_id(Elf *elf, char id[MOST_BUILD_ID])
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Nhdr note;
	size_t name, content;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (size_t at = 0; data && (at = gelf_getnote(data, at, &note, &name, &content)) > 0;) {
			const uint8_t *bytes = (const uint8_t *)data->d_buf + content;
			if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || memcmp((char *)data->d_buf + name, "GNU", 4) != 0 ||
			    note.n_descsz == 0 || note.n_descsz > (MOST_BUILD_ID - 1) / 2)
				continue;
			for (uint32_t i = 0; i < note.n_descsz; i++)
				snprintf(id + 2 * i, 3, "%02x", bytes[i]);
			return true;
		}
	}
	return false;
}

bool library_build_id(pid_t pid, const char *path, char id[MOST_BUILD_ID])
{
	char link[64];
	int fd;

	snprintf(link, sizeof(link), "/proc/%d/root", pid);
	int root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int file = root < 0 ? -1 : open_in(root, path);
	if (root >= 0)
		close(root);
	if (file < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	Elf *elf = open_elf(link, &fd);
	bool found = elf && read_build_id(elf, id);
	if (elf)
		close_elf(elf, fd);
	close(file);
	return found;
}
