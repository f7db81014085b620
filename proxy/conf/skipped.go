package conf

import (
	"fmt"
	"slices"
	"strings"

	"sessionlab/proxy"
)

// skippedRow says of directives that nginx has and the lab has not whether they
// can change what users get.
type skippedRow struct {
	names    string        // that set one thing together; "ssl_*" are all that begin so and have no row of their own
	concerns proxy.Concern // 0: harmless, outcomes are the same without it
	preset   string        // the line that says what is so anyway; it is harmless
	reason   string        // what nginx would do, or why it is harmless
}

// What inner levels do with a line of an outer one, where they do not just
// inherit it. Those of nginx's rewrite module are executed for the server and then
// for the location, which does not hand them on to locations inside it.
var (
	executed = []string{"rewrite", "if", "break"}
	noHeirs  = []string{"try_files", "limit_except", "empty_gif", "stub_status", "flv", "mp4", "perl",
		"fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"}
)

// skippedTable holds all directives of nginx that directives has not, at least not
// in every context.
var skippedTable = []skippedRow{
	// What chooses the answer.
	{"rewrite", proxy.Everyone, "", "nginx would go on with another URI, or redirect"},
	{"if", proxy.Everyone, "", "nginx would do what is in it where its condition is true"},
	{"break", proxy.Everyone, "", "nginx would leave out the rewrite lines behind it"},
	{"try_files", proxy.Unreturned, "", "nginx would look for files first"},
	{"alias", proxy.ForFiles, "", "nginx would take files from another folder"},
	{"autoindex", proxy.ForFolders, "autoindex off", "nginx would list a folder"},
	{"random_index", proxy.ForFolders, "random_index off", "nginx would choose one of a folder's files"},
	{"empty_gif", proxy.Unreturned, "", "nginx would answer by itself"},
	{"stub_status", proxy.Unreturned, "", "nginx would answer with its own figures"},
	{"flv", proxy.ForFiles, "", "nginx would answer with a part of the file"},
	{"mp4", proxy.ForFiles, "", "nginx would answer with a part of the file"},
	{"perl", proxy.Unreturned, "", "a program would answer"},
	{"dav_methods", proxy.Unreturned, "dav_methods off", "nginx would take PUT, DELETE and others by itself"},
	{"fastcgi_pass", proxy.Unreturned, "", "requests would go to a FastCGI server"},
	{"uwsgi_pass", proxy.Unreturned, "", "requests would go to a uwsgi server"},
	{"scgi_pass", proxy.Unreturned, "", "requests would go to an SCGI server"},
	{"grpc_pass", proxy.Unreturned, "", "requests would go to a gRPC server"},
	{"memcached_pass", proxy.Unreturned, "", "requests would go to memcached"},

	// Who is let in.
	{"allow deny", proxy.Unreturned, "allow all", "nginx answers 403 to addresses that are shut out"},
	{"ssl", proxy.Everyone, "ssl off", "nginx would take TLS alone"},
	{"satisfy", proxy.Unreturned, "satisfy all", "one of several checks would be enough"},
	{"auth_basic", proxy.Unreturned, "auth_basic off", "nginx answers 401 without name and password"},
	{"auth_request", proxy.Unreturned, "auth_request off", "another server would decide who is let in, 401 or 403"},
	{"limit_req", proxy.Unreturned, "", "nginx delays what is above the rate, and answers limit_req_status (503) above the burst"},
	{"limit_conn", proxy.Unreturned, "", "nginx answers limit_conn_status (503) above the limit"},
	{"limit_except", proxy.Unreturned, "", "nginx answers 403 to other methods"},
	{"limit_rate", proxy.Everyone, "limit_rate 0", "answers would take longer"},
	{"set_real_ip_from", proxy.Everyone, "", "a header would say the user's address, by which ip_hash chooses"},

	// What is passed on, and how.
	{"mirror", proxy.Unreturned, "mirror off", "a copy of each request would go elsewhere"},
	{"proxy_cache", proxy.Forwarded, "proxy_cache off", "nginx would answer from its cache, one user with another's answer"},
	{"proxy_store", proxy.Forwarded, "proxy_store off", "nginx would keep answers as files"},
	{"proxy_ignore_client_abort", proxy.Abandoned, "proxy_ignore_client_abort off", "nginx would go on when the client has left"},
	{"proxy_limit_rate", proxy.Forwarded, "proxy_limit_rate 0", "answers would take longer"},
	{"slice", proxy.Forwarded, "slice 0", "servers would be asked for one part after the other"},

	// What is done to answers.
	{"sub_filter", proxy.Everyone, "", "texts in answers would be replaced"},
	{"ssi", proxy.Everyone, "ssi off", "commands in answers would be executed"},
	{"add_before_body", proxy.Everyone, "", "answers would begin with another one"},
	{"add_after_body", proxy.Everyone, "", "answers would end with another one"},
	{"xslt_stylesheet", proxy.Everyone, "", "answers in XML would be transformed"},
	{"image_filter", proxy.Everyone, "image_filter off", "images would be changed, everything else refused with 415"},
	{"chunked_transfer_encoding", proxy.Forwarded, "chunked_transfer_encoding on", "an answer that is cut off would look whole"},

	// Harmless: means something only beside another directive, which has its row.
	{"limit_req_* limit_conn_* limit_rate_after", 0, "", "only limit_req, limit_conn and limit_rate make use of it"},
	{"auth_basic_user_file auth_delay", 0, "", "only auth_basic makes use of it"},
	{"auth_request_set", 0, "", "only auth_request makes use of it"},
	{"real_ip_*", 0, "", "only set_real_ip_from makes use of it"},
	{"mirror_request_body", 0, "", "only mirror makes use of it"},
	{"proxy_cache_* proxy_no_cache proxy_force_ranges", 0, "", "only proxy_cache makes use of it"},
	{"proxy_store_access", 0, "", "only proxy_store makes use of it"},
	{"sub_filter_* addition_types", 0, "", "only sub_filter and add_before_body make use of it"},
	{"ssi_*", 0, "", "only ssi makes use of it"},
	{"xslt_* xml_entities", 0, "", "only xslt_stylesheet makes use of it"},
	{"image_filter_*", 0, "", "only image_filter makes use of it"},
	{"autoindex_*", 0, "", "only autoindex makes use of it"},
	{"mp4_*", 0, "", "only mp4 makes use of it"},
	{"create_full_put_path dav_access min_delete_depth", 0, "", "only dav_methods makes use of it"},
	{"fastcgi_*", 0, "", "only fastcgi_pass makes use of it"},
	{"uwsgi_*", 0, "", "only uwsgi_pass makes use of it"},
	{"scgi_*", 0, "", "only scgi_pass makes use of it"},
	{"grpc_*", 0, "", "only grpc_pass makes use of it"},
	{"memcached_*", 0, "", "only memcached_pass makes use of it"},
	{"perl_modules perl_require", 0, "", "only perl makes use of it"},

	// Harmless: it gives a variable, and a line that needs this one is refused.
	{"geo geoip_* split_clients perl_set", 0, "", "only its variables matter, and a line with one would be refused"},
	{"valid_referers referer_* secure_link*", 0, "", "only its variables matter, and a line with one would be refused"},
	{"ancient_browser* modern_browser*", 0, "", "only its variables matter, and a line with one would be refused"},
	{"rewrite_log uninitialized_variable_warn", 0, "", "there is no log"},
	{"variables_*", 0, "", "no tables to size"},

	// Harmless: users are no browsers, and their connections are plain.
	{"expires etag if_modified_since max_ranges add_trailer early_hints", 0, "", "users keep no pages and ask for whole ones"},
	{"gzip_* gunzip gunzip_buffers", 0, "", "users ask for nothing compressed"},
	{"charset_* source_charset override_charset", 0, "", "texts are ASCII"},
	{"msie_padding msie_refresh", 0, "", "users are no such browsers"},
	{"userid userid_*", 0, "", "no node reads its cookie"},
	{"ssl_*", 0, "", "TLS is not simulated, its ports are not open"},
	{"http2 http2_* http3 http3_* quic_*", 0, "", "users speak HTTP/1"},
	{"keepalive_disable keepalive_min_timeout keepalive_time", 0, "", "a user whose connection is closed opens another"},
	{"lingering_*", 0, "", "connections are closed as by the system"},

	// Harmless: memory, files and the system.
	{"aio aio_write directio directio_alignment disable_symlinks open_file_cache* read_ahead sendfile_max_chunk", 0, "", "files are in memory"},
	{"output_buffers postpone_output send_lowat subrequest_output_buffer_size", 0, "", "memory is not limited"},
	{"client_body_in_file_only client_body_in_single_buffer client_body_temp_path", 0, "", "bodies are in memory"},
	{"connection_pool_size request_pool_size", 0, "", "memory is not limited"},
	{"proxy_temp_file_write_size proxy_temp_path", 0, "", "answers are not written to files"},
	{"proxy_bind proxy_send_lowat proxy_socket_keepalive", 0, "", "servers do not look at the connection"},
	{"proxy_headers_*", 0, "", "no tables to size"},
	{"proxy_ignore_headers", 0, "", "the nodes send no X-Accel header, and there is no cache"},
	{"proxy_pass_trailers", 0, "", "the nodes send no trailers"},
	{"proxy_ssl_*", 0, "", "a proxy_pass to https is refused"},
	{"resolver resolver_timeout", 0, "", "the lab's names are known from the start"},
	{"open_log_file_cache log_subrequest", 0, "", "the run's record has the figures"},

	// Harmless: the process, and other protocols than HTTP.
	{"accept_mutex_delay debug_connection worker_aio_requests", 0, "", "connections are accepted at once"},
	{"debug_points env google_perftools_profiles load_module lock_file master_process pcre_jit thread_pool " +
		"timer_resolution worker_priority worker_rlimit_core worker_shutdown_timeout working_directory", 0, "", "there is no process of its own"},
	{"mail stream", 0, "", "HTTP alone is simulated"},
	{"auth_http* imap_* pop3_* smtp_* max_errors protocol starttls timeout xclient " +
		"proxy_buffer proxy_pass_error_message proxy_smtp_auth", 0, "", "it stands in a mail block only, which is skipped as a whole"},
	{"pass preread_* proxy_download_rate proxy_half_close proxy_protocol proxy_protocol_timeout proxy_requests proxy_responses " +
		"proxy_ssl proxy_timeout proxy_upload_rate", 0, "", "it stands in a stream or mail block only, which is skipped as a whole"},
}

// rowOf is the row of a directive: its own, or else the one with the longest
// pattern that fits.
func rowOf(name string) (row *skippedRow, ok bool) {
	longest := -1
	for i := range skippedTable {
		for _, pattern := range strings.Fields(skippedTable[i].names) {
			if pattern == name {
				return &skippedTable[i], true
			}
			prefix, open := strings.CutSuffix(pattern, "*")
			if open && strings.HasPrefix(name, prefix) && len(prefix) > longest {
				row, longest = &skippedTable[i], len(prefix)
			}
		}
	}
	return row, row != nil
}

// skipLine lists a directive that is not simulated. One without a row may change
// anything.
func (r *reader) skipLine(s statement) {
	row, ok := rowOf(s.name())
	if !ok {
		row = &skippedRow{names: s.name(), concerns: proxy.Everyone, reason: "what nginx would do is not known here"}
	}
	line := proxy.Skipped{Directive: s.name(), Concerns: row.concerns, Reason: row.reason}
	if row.preset == strings.Join(append([]string{s.name()}, s.texts()...), " ") {
		line.Concerns, line.Reason = 0, "it says what is so anyway"
	}
	switch {
	case slices.Contains(executed, s.name()):
		line.Own = r.location != nil
	case row.concerns != 0:
		line.Setting, _, _ = strings.Cut(row.names, " ")
		line.Own = slices.Contains(noHeirs, s.name())
	}
	r.leaveOut(s.words[0], line)
	r.undefine(s)
}

// definers are the directives of which an argument names a variable that they
// define.
var definers = []string{"geo", "split_clients", "perl_set", "js_set", "auth_request_set", "geoip2", "set_by_lua", "set_secure_random"}

// undefine notes the variables that a line would define.
func (r *reader) undefine(s statement) {
	if !slices.Contains(definers, s.name()) {
		return
	}
	for _, text := range s.texts() {
		if name, ok := strings.CutPrefix(text, "$"); ok && !strings.ContainsAny(name, "${}") {
			if r.config.Undefined == nil {
				r.config.Undefined = map[string]string{}
			}
			r.config.Undefined[strings.ToLower(name)] = fmt.Sprintf("%s at %v", s.name(), s.words[0].Position)
		}
	}
}

// leaveOut notes a line, or a part of one, that is not simulated, for the level
// in which it stands.
func (r *reader) leaveOut(w word, line proxy.Skipped) {
	why := "which changes no outcome"
	if line.Concerns != 0 {
		why = "and can change outcomes"
	}
	r.note(Ignored, w, "%s is not simulated, %s: %s", quote(line.Directive), why, line.Reason)
	if line.Concerns == 0 && line.Setting == "" {
		return
	}
	line.Pos = w.Position.String()
	level := r.settings
	if level == nil {
		level = &r.config.Settings
	}
	level.Skipped = append(level.Skipped, &line)
}
